"""Reports as the vendors write them, and a server on this machine that hands them out."""

import csv
import gzip
import io
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from reconciler.apis.reports import DayRange
from reconciler.apis.user_reports import ReceivedReport
from reconciler.model.secret import Secret
from reconciler.warehouse.coverage import TOTALS, partition_name
from reconciler.warehouse.mediation_intake import RowBatch, row_batches, write_table
from reconciler.warehouse.report_store import DATA, Partition, PartitionMetadata, PartitionPayload, ReportStore
from reconciler.warehouse.user_report_intake import IntakeSettings, read_user_report

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 21, 13, tzinfo=UTC)
APP = "170709"
RULES = IntakeSettings(Secret("5a" * 32))
HEADER = (
    *("Date", "Fyber App ID", "App Name", "Placement Name", "Placement Type", "Country", "Device OS", "Device ID"),
    *("Impressions", "Revenue (USD)"),
)


def dt_row(**said: Any) -> dict[str, Any]:
    """A row of a DT report: one impression of int_13 in the US, unless said otherwise (by a column's first word)."""
    usual = {
        "Date": DAY,
        "Fyber App ID": APP,
        "App Name": "CashCrash",
        "Placement Name": "int_13",
        "Placement Type": "Interstitial",
        "Country": "US",
        "Device OS": "Android",
        "Device ID": "38400000-8cf0-11bd-b23e-10b96e40000d",
        "Impressions": 1,
        "Revenue (USD)": "0.001",
    }
    names = {name.split()[0].lower(): name for name in reversed(usual)} | {"app": "Fyber App ID", "device": "Device ID"}
    names |= {"placement": "Placement Name", "format": "Placement Type"}
    return {**usual, **{names[key]: value for key, value in said.items()}}


def of_users(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each of another user: a report has one row for a user, placement and country."""
    return [{**row, "Device ID": f"38400000-8cf0-11bd-b23e-{number:012x}"} for number, row in enumerate(rows)]


def dt_csv(rows: Iterable[Mapping[str, Any]], header: Sequence[str] = HEADER, newline: str = "\r\n") -> bytes:
    """The file of a report; empty texts are quoted, as the vendor writes what is missing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(header)
    for row in rows:
        writer.writerow([row.get(name, "") for name in header])
    return text.getvalue().replace(",,", ',"",').encode()


def mediation_row(**said: Any) -> dict[str, Any]:
    """A row of Chartboost's answer: DT in the waterfall, asked for int_13 in the US."""
    usual = {
        "app": "cb-android",
        "date": DAY.isoformat(),
        "helium_placement_name": "level_end",
        "placement_type": "interstitial",
        "demand_source": "fyber",
        "country": "USA",
        "partner_placement_name": "int_13",
        "requests": 1000,
        "impressions": 100,
        "estimated_earnings": 0.1,
    }
    return {**usual, **said}


def store_dt(
    store: ReportStore,
    rows: Iterable[Mapping[str, Any]],
    day: date = DAY,
    app: str = APP,
    settings: IntakeSettings = RULES,
) -> PartitionMetadata:
    """Store a DT report the way a fetch does."""
    body = dt_csv(rows)
    with store.draft() as folder:
        (folder / "received").write_bytes(body)
        received = ReceivedReport(folder / "received", body.count(b"\n"), f"sha256:{sha256(body).hexdigest()}")
        payload = read_user_report(received, app, day, settings, NOON)
        store.put(Partition("dt", app, day.isoformat()), payload)
    return payload.metadata


def store_mediation(
    store: ReportStore,
    span: DayRange,
    *,
    bidding: Sequence[Mapping[str, Any]] = (),
    mediation: Sequence[Mapping[str, Any]] = (),
    dated: bool = True,
    fetched_at: datetime = NOON,
) -> None:
    """Store Chartboost's rows of a span the way a fetch does."""
    told = {"bidding": bidding, "mediation": mediation}
    for day, batch in row_batches(told, span, dated=dated).items():
        source, name = ("chartboost", f"{day}") if dated else (TOTALS, partition_name(span))
        with store.draft() as folder:
            store.put(Partition(source, "all", name), _payload(batch, folder, fetched_at))


def _payload(batch: RowBatch, folder: Path, fetched_at: datetime) -> PartitionPayload:
    write_table(batch.rows, folder / DATA)
    quarantined = dict(batch.quarantined)
    metadata = PartitionMetadata(
        fetched_at, "sha256:0", len(batch.rows), quarantined, dict(batch.unknown_countries), batch.repeated
    )
    return PartitionPayload(folder / DATA, metadata)


@dataclass
class Heard:
    """A request as it came over the wire."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What is answered. `parts` is sent in place of a body, without a length unless `headers` name one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    parts: Iterable[bytes] | None = None


Script = Callable[[Heard], Answer]


class ReportServer(ThreadingHTTPServer):
    """Both reporting APIs and a file store on a port of this machine.

    `orders` and `metrics` answer a POST, `files` the GETs of a file in order; the last one answers all later ones too.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[Heard] = []
        self.files: list[Answer] = [Answer(body=dt_csv([dt_row()]))]
        self.orders: Script = lambda _: Answer(body=json.dumps({"id": "1", "url": self.link}).encode())
        self.metrics: Script = lambda _: Answer(body=b'{"data": []}')
        self.target = "/group%3D210263/6fad.csv?AWSAccessKeyId=AKIA&Expires=1570&Signature=LbhE5%2Bulj'PEK%3D"
        self.tokens: Answer = Answer(
            body=b'{"accessToken": "tok-canary-1", "access_token": "tok-canary-1", "tokenType": "bearer", '
            b'"expiresIn": 3600}'
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def link(self) -> str:
        return self.url + self.target

    def of(self, method: str) -> list[Heard]:
        return [each for each in self.heard if each.line.startswith(method)]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""

    def answer(self, heard: Heard) -> Answer:
        self.heard.append(heard)
        if "token" in heard.line.split("?")[0]:
            return self.tokens
        if "user-level-data" in heard.line:
            return self.orders(heard)
        if "metrics" in heard.line:
            return self.metrics(heard)
        return self.files.pop(0) if len(self.files) > 1 else self.files[0]


class _Handler(BaseHTTPRequestHandler):
    server: ReportServer

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        heard = Heard(self.requestline, dict(self.headers.items()), self.rfile.read(length))
        answer = self.server.answer(heard)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.parts is None and "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        for part in answer.parts if answer.parts is not None else [answer.body]:
            self.wfile.write(part)

    do_POST = do_GET  # noqa: N815 - named by the base class

    def log_message(self, *args: object) -> None:
        """Tests are quiet."""


@contextmanager
def serving(server):
    """A report server at work, until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def report_server():
    """The plain one, until the block ends."""
    return serving(ReportServer())


def gz(body: bytes) -> bytes:
    """Packed, the same bytes every time."""
    return gzip.compress(body, mtime=0)
