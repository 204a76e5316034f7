"""Read the whole account as `reconciler plan` does, through the real client: token, apps, every app's placements.

`python bench/read_live.py URL WORKERS WHAT` prints wall seconds, CPU seconds and the number of requests as JSON.
WHAT is `bodies` for the exchanges alone, or `live` for live resources made of them.
"""

import json
import sys
import time

from generate import PUBLISHER

from reconciler.api.environment import SystemClock
from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.apis.management.wire import calls
from reconciler.cli.front import collect_rarely
from reconciler.http.auth import Credentials
from reconciler.model.secret import Secret
from reconciler.workflow.observe import side_by_side


def main() -> None:
    url, workers, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    keys = Credentials(Secret("bench"), Secret("bench"))
    with DtClient(url, keys, clock=SystemClock(), parallelism=workers) as client:
        collect_rarely()  # as the command does
        gateway = DtGateway(client, PUBLISHER)
        wall, cpu = time.perf_counter(), time.process_time()
        apps = gateway.apps()
        if what == "bodies":
            side_by_side(lambda app: client.call(calls.placements(app.id)), apps, workers)
        else:
            side_by_side(lambda app: gateway.placements(app.id, expected=False), apps, workers)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps([wall, cpu, sum(client.requests().values())]))


if __name__ == "__main__":
    main()
