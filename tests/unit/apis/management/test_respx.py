import json

import httpx
import respx
from unit.apis.management.world import ID, SECRET, URL, StandingClock

from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.http.auth import Credentials
from reconciler.model.secret import Secret
from reconciler.ports import Accepted


def test_a_transport_of_httpx_can_be_given_and_so_be_replaced_by_respx():
    with respx.mock(base_url=URL) as api:
        api.post("/api/v2/management/auth").respond(json={"accessToken": "t", "expiresIn": "3600"})
        deletion = api.delete("/api/management/v1/placement").mock(httpx.Response(200, json={"message": "gone"}))
        keys = Credentials(Secret(ID), Secret(SECRET))
        with DtClient(URL, keys, clock=StandingClock(), transport=httpx.HTTPTransport) as client:
            assert DtGateway(client, "3432").delete("placement", "5") == Accepted("5")
        assert json.loads(deletion.calls.last.request.content) == {"placementId": "5"}
        assert deletion.calls.last.request.headers["content-type"] == "application/json"
