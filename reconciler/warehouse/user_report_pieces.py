"""What is kept aside while a user report is put together: orders, which are secrets, and days that are there already.

    .lock
    <account>/orders/<app>.<day>.json        an order and its signed URL: for its owner alone, good for three hours
    <account>/<people>/<app>.<day>.arrow     a day, people dropped or hashed before it is written
    <account>/<people>/<app>.<day>.json      its columns, and which of them may tell of people
    <account>/parts/<app>.<day>/received     with `keep` alone: a download that was stopped

The folder is for its owner alone. With `keep`, days hold people in clear: they are removed once the answer is written.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from urllib.parse import quote

from filelock import FileLock, Timeout

from reconciler.apis.user_reports import ReceivedReport, ReportOrder
from reconciler.errors import ApiError, Interrupted, LockHeld, ProjectError, UnreadableAnswer
from reconciler.files import disk
from reconciler.model.secret import Secret
from reconciler.warehouse.acceptance import MOST_UNREAD
from reconciler.warehouse.people import (
    ADDRESS_PATTERN,
    ID_PATTERN,
    NO_USER_PATTERN,
    is_harmless_name,
    is_personal_name,
    may_hold_addresses,
)
from reconciler.warehouse.user_report_csv import ALIASES, Aliases, cut_reason, folded, header_text, known_columns
from reconciler.warehouse.user_report_intake import read_header
from reconciler.warehouse.user_report_rows import counts_by, is_text, mend, read_batches, unique_names, without_strays

if TYPE_CHECKING:
    from pyarrow import Array, RecordBatch

PeopleMode: TypeAlias = Literal["drop", "hash", "keep"]
"""What becomes of ids of users and devices: dropped, hashed with a salt, or kept in clear."""

# ruff: noqa: PLC0415 - pyarrow is an extra, and takes 0.1 s

STOPS: Final = Interrupted | KeyboardInterrupt | SystemExit
"""What ends a call that a later one goes on with."""
_NO_SALT: Final = Secret("")
_URL_SECONDS: Final = 3 * 3600
_KEPT: Final = timedelta(days=1)
"""How long a day that lies aside is taken: the vendor may restate it later."""
_FROM_ORDER: Final = {"date": "Date", "app_id": "App ID"}
_UNREAD: Final = -1
_VERSION: Final = 3
"""Of the rules for columns of people: days that were made by older ones are made again."""
_ENOUGH: Final = 100
"""Rows from which on a column whose values hardly ever come again is taken for one of ids."""
_PLAIN: Final = r"^\s*[-+0-9.,eE%$]*\s*$|^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$"
"""Numbers and times, which differ from row to row by nature."""


@dataclass(frozen=True, slots=True)
class PeopleRules:
    """What becomes of people, the salt for hashes, and the names of columns."""

    people: PeopleMode = "drop"
    salt: Secret = _NO_SALT
    aliases: Aliases = field(default_factory=lambda: ALIASES)

    @property
    def folder(self) -> str:
        """The name of the folder of days that were made by these rules."""
        text = json.dumps([_VERSION, self.salt.reveal(), {name: [*theirs] for name, theirs in self.aliases.items()}])
        return f"{self.people}-{sha256(text.encode()).hexdigest()[:16]}"

    def is_personal(self, name: str) -> bool:
        """Whether a column called so counts as one of people: kept in clear, as far as it is known for one.

        Dropped or hashed, as far as it is not known to be something else.
        """
        if self.people == "keep":
            return is_personal_name(name, self.aliases.get("user", ()))
        others = [alias for ours, theirs in self.aliases.items() if ours != "user" for alias in theirs]
        return folded(name) in map(folded, self.aliases.get("user", ())) or not is_harmless_name(name, others)

    def treat(self, cells: "Array") -> "Array":
        """The cells of a column that may tell of people, as they are kept. What stands for several users stays."""
        import pyarrow as pa

        match self.people:
            case "keep":
                return cells
            case "drop":
                return pa.repeat(pa.scalar("", pa.string()), len(cells))
            case _:
                return self._hashed(cells)

    def _hashed(self, cells: "Array") -> "Array":
        import pyarrow as pa
        import pyarrow.compute as pc

        coded = cells.dictionary_encode()
        ids = pc.utf8_trim_whitespace(coded.dictionary)
        stays = pc.match_substring_regex(ids, pattern=NO_USER_PATTERN)
        salt = self.salt.reveal().encode()
        hashes = [
            text if stay else sha256(salt + text.encode()).hexdigest()[:32]
            for text, stay in zip(ids.to_pylist(), stays.to_pylist(), strict=True)
        ]
        return pa.array(hashes, pa.string()).take(coded.indices)


@dataclass(frozen=True, slots=True)
class DayPiece:
    """The report of an app and a day. `personal`: columns that may tell of people, by the batch from which on it shows.

    `left_out` counts rows that could not be read, by reason.
    """

    app: str
    day: date
    job: str
    path: Path
    columns: tuple[str, ...]
    personal: Mapping[str, int]
    rows: int
    left_out: Mapping[str, int]

    @property
    def is_whole(self) -> bool:
        """Whether hardly any row was left out."""
        lost = sum(self.left_out.values())
        return lost <= MOST_UNREAD * (self.rows + lost)

    @property
    def left_out_text(self) -> str:
        """Which rows were left out, and why; empty where none was."""
        return f"{sum(self.left_out.values()):,} rows left out: {counts_by(self.left_out)}" if self.left_out else ""

    def batches(self) -> "Iterator[RecordBatch]":
        """The rows, in texts."""
        import pyarrow as pa

        with pa.OSFile(str(self.path), "rb") as file, pa.ipc.open_stream(file) as reader:
            yield from reader


def write_piece(report: ReceivedReport, app: str, day: date, rules: PeopleRules, target: Path) -> DayPiece:
    """Read the CSV of a report into a file of Arrow batches, people treated before anything is written.

    Raises `UnreadableAnswer` for what is no such report, or is cut short.
    """
    header = read_header(report.path)
    if any(map(report.redaction.is_secret, header)):
        raise UnreadableAnswer("it is not CSV: its first line repeats what is secret of its order")
    if len(header) == 1:
        raise UnreadableAnswer(f"it is not CSV with commas: its header is {header_text(header)}")
    known = known_columns(header, rules.aliases)
    numbers = {known[name] for name in ("impressions", "revenue") if name in known}
    if cut := cut_reason(report.path, len(header), numbers, numbers):
        raise UnreadableAnswer(f"it is cut in its last line: {cut}", hint="run the command again")
    left_out: dict[str, int] = {}
    writer = _PieceWriter(header, known, rules, app, day, left_out)
    rows = _UNREAD
    if is_text(report.path):
        with suppress(UnreadableAnswer):
            rows = writer.write(target, read_batches(report.path, header, left_out))
    if rows == _UNREAD:
        left_out.clear()
        mended = mend(report.path, left_out)
        writer = _PieceWriter(header, known, rules, app, day, left_out)
        rows = writer.write(target, read_batches(mended, header, left_out))
    if left_out and not rows:
        raise UnreadableAnswer(f"not one row of it can be used: {counts_by(left_out)}", hint="run the command again")
    return DayPiece(app, day, report.job, target, writer.columns, writer.personal, rows, left_out)


class _PieceWriter:
    """Writes the batches of one report; finds columns of people as it goes. `left_out` counts rows of others."""

    def __init__(
        self,
        header: Sequence[str],
        known: Mapping[str, int],
        rules: PeopleRules,
        app: str,
        day: date,
        left_out: dict[str, int],
    ) -> None:
        names = unique_names(header)
        self._known, self._app, self._day, self._left_out = known, app, day, left_out
        self._rules = rules
        front = {label: name for name, label in _FROM_ORDER.items() if name not in known}
        self._front = [day.isoformat() if name == "date" else app for name in front.values()]
        self.columns = (*unique_names([*front, *names]),)
        exempt = {at for name, at in known.items() if name != "user"}
        self._open = {self.columns[len(front) + at]: at for at in range(len(names)) if at not in exempt}
        self.personal = {name: 0 for name, at in self._open.items() if rules.is_personal(header[at])}

    def write(self, target: Path, batches: "Iterator[RecordBatch]") -> int:
        """Write all batches; how many rows there are."""
        import pyarrow as pa

        schema = pa.schema([(str(at), pa.string()) for at in range(len(self.columns))])
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        rows = 0
        with pa.OSFile(str(target), "wb") as file, pa.ipc.new_stream(file, schema, options=options) as out:
            for number, each in enumerate(batches):
                batch = without_strays(each, self._known, self._app, self._day, self._left_out)
                out.write_batch(pa.record_batch(self._cells(batch, number), schema=schema))
                rows += batch.num_rows
        return rows

    def _cells(self, batch: "RecordBatch", number: int) -> "list[Array]":
        import pyarrow as pa

        for name, at in self._open.items():
            if name not in self.personal and _looks_personal(batch.column(at), name, is_first=not number):
                self.personal[name] = number
        front = [pa.repeat(pa.scalar(text, pa.string()), batch.num_rows) for text in self._front]
        cells = [*front, *batch.columns]
        return [
            self._rules.treat(column) if name in self.personal else column
            for name, column in zip(self.columns, cells, strict=True)
        ]


def _looks_personal(cells: "Array", name: str, *, is_first: bool) -> bool:
    """Whether a column's values look like ids or addresses, or hardly ever come again."""
    import pyarrow.compute as pc

    pattern = f"{ID_PATTERN}|{ADDRESS_PATTERN}" if may_hold_addresses(name) else ID_PATTERN
    if pc.any(pc.match_substring_regex(cells, pattern=pattern)).as_py():
        return True
    if not is_first or len(cells) < _ENOUGH or pc.all(pc.match_substring_regex(cells, pattern=_PLAIN)).as_py():
        return False
    return bool(pc.count_distinct(cells.filter(pc.not_equal(cells, ""))).as_py() > len(cells) / 2)


class PieceStore:
    """Orders and days that are kept aside, in one folder; `account` tells whose. Raises `ProjectError`."""

    def __init__(self, root: Path, account: str) -> None:
        self.root = root
        self._account = sha256(account.encode()).hexdigest()[:16]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder for one run, and remove drafts that a killed one has left. Raises `LockHeld`."""
        with _disk_errors():
            disk.make_folder(self.root, "")
            self.root.chmod(0o700)
        try:
            with FileLock(disk.check(self.root, ".lock"), timeout=0):
                shutil.rmtree(self.root / "drafts", ignore_errors=True)
                yield
        except Timeout:
            raise LockHeld("another run is fetching user reports", hint="wait for it to end") from None

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A folder for its owner alone, removed when the block ends."""
        with _disk_errors():
            folder = Path(tempfile.mkdtemp(dir=disk.make_folder(self.root, "drafts")))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def part(self, app: str, day: date) -> Iterator[Path]:
        """A folder for a download in clear, which stays where a later call may go on with it."""
        with _disk_errors():
            folder = disk.make_folder(self.root, f"{self._account}/parts/{_name(app, day)}")
        stays = False
        try:
            yield folder
        except BaseException as error:
            stays = isinstance(error, STOPS | ApiError | ProjectError) and not isinstance(error, UnreadableAnswer)
            raise
        finally:
            if not stays:
                shutil.rmtree(folder, ignore_errors=True)

    def order(self, app: str, day: date, now: datetime) -> ReportOrder | None:
        """The order of a report that was not finished, while its URL is good."""
        raw = self._read(f"orders/{_name(app, day)}.json")
        try:
            kept = ReportOrder(
                app, day, str(raw["job"]), Secret(raw["url"]), datetime.fromisoformat(raw["orderedAt"]), raw["remark"]
            )
            if kept.is_good(now):
                return kept
        except (KeyError, TypeError, ValueError):
            pass
        self.forget_order(app, day)
        return None

    def keep_order(self, order: ReportOrder) -> None:
        """Remember an order until its report is there."""
        told = {"job": order.job, "url": order.url.reveal(), "orderedAt": order.ordered_at.isoformat()}
        self._write(f"orders/{_name(order.app, order.day)}.json", {**told, "remark": order.remark})

    def forget_order(self, app: str, day: date) -> None:
        """Forget an order: its report is there, or never will be."""
        with suppress(OSError):
            (self.root / self._account / "orders" / f"{_name(app, day)}.json").unlink()

    def piece(self, app: str, day: date, rules: PeopleRules, now: datetime) -> DayPiece | None:
        """A day that an earlier run has kept aside."""
        name = f"{rules.folder}/{_name(app, day)}"
        raw = self._read(f"{name}.json")
        try:
            path = disk.check(self.root, f"{self._account}/{name}.arrow")
            if now - datetime.fromisoformat(raw["madeAt"]) < _KEPT and path.stat().st_size == raw["bytes"]:
                personal = {str(column): int(at) for column, at in raw["personal"].items()}
                columns, left_out = tuple(map(str, raw["columns"])), dict(raw["leftOut"])
                return DayPiece(app, day, str(raw["job"]), path, columns, personal, int(raw["rows"]), left_out)
        except (KeyError, TypeError, ValueError, OSError, AttributeError):
            pass
        return None

    def put(self, piece: DayPiece, rules: PeopleRules, now: datetime) -> DayPiece:
        """Keep a day aside: it is whole under its name, or not there."""
        name = f"{rules.folder}/{_name(piece.app, piece.day)}"
        with _disk_errors():
            folder = disk.make_folder(self.root, f"{self._account}/{rules.folder}")
            path = folder / f"{_name(piece.app, piece.day)}.arrow"
            piece.path.replace(path)
        told = {
            "madeAt": now.isoformat(),
            "bytes": path.stat().st_size,
            "job": piece.job,
            "columns": [*piece.columns],
            "personal": dict(piece.personal),
            "rows": piece.rows,
            "leftOut": dict(piece.left_out),
        }
        self._write(f"{name}.json", told)
        return DayPiece(
            piece.app, piece.day, piece.job, path, piece.columns, piece.personal, piece.rows, piece.left_out
        )

    def remove(self, pieces: Sequence[DayPiece]) -> None:
        """Remove days: the answer is written."""
        for piece in pieces:
            for path in (piece.path, piece.path.with_suffix(".json")):
                with suppress(OSError):
                    path.unlink()

    def remove_old(self, now: datetime) -> None:
        """Remove orders whose URLs have expired, and days that are too old to be taken."""
        for path in self.root.glob("*/*/*"):
            with suppress(OSError):
                age = now.timestamp() - path.lstat().st_mtime
                if age < (_URL_SECONDS if path.parent.name in {"orders", "parts"} else _KEPT.total_seconds()):
                    continue
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def _read(self, name: str) -> Any:
        try:
            return json.loads(disk.read(self.root, f"{self._account}/{name}"))
        except (OSError, ValueError):
            return None

    def _write(self, name: str, told: Mapping[str, Any]) -> None:
        with _disk_errors():
            disk.write(self.root, f"{self._account}/{name}", json.dumps(told).encode(), mode=0o600)


def _name(app: str, day: date) -> str:
    return f"{quote(app, safe='')}.{day}"


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProjectError(f"a report cannot be kept aside: {error.strerror or error}") from error
