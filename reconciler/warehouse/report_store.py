"""The store of reports: one Parquet file for each source, app and day, and a JSON file with its metadata.

    .reconciler/reports/source=dt/app=170709/day=2026-11-20/data.parquet
    .reconciler/reports/source=dt/app=170709/day=2026-11-20/fetched.json
    .reconciler/reports/source=imported/app=max.android%3Acom.a/day=2026-11-20/data.parquet
    .reconciler/reports/quarantine/source=dt/app=170709/day=2026-11-20/rows.jsonl

A file is complete under its name, or absent. The salt with which ids of users are hashed is in `.reconciler/salt`.
"""

import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from filelock import FileLock, Timeout

from reconciler.errors import LockHeld, ProjectError
from reconciler.files import disk
from reconciler.model.secret import Secret

DATA: Final = "data.parquet"
_METADATA: Final = "fetched.json"
_QUARANTINE: Final = "rows.jsonl"
_DRAFTS: Final = "drafts"
IMPORTED: Final = "imported"
"""The source of reports that were taken in from other platforms."""
SOURCES: Final = ("dt", "chartboost", IMPORTED)
"""The sources whose partitions are days."""


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """What is stored and replaced as a whole. `day` is a date, or `first--last` for totals over several days."""

    source: str
    app: str
    day: str

    @property
    def folder(self) -> Path:
        """Its folder, relative to that of all reports."""
        named = (("source", self.source), ("app", self.app), ("day", self.day))
        return Path(*(f"{key}={quote(value, safe='')}" for key, value in named))


@dataclass(frozen=True, slots=True)
class PartitionMetadata:
    """How a partition was made. `quarantined` counts its quarantined rows by reason; `digest` is of the bytes received.

    `repeated` counts rows that occurred again, equal in every column, and were left out. `origin` of an imported
    partition: where it came from, and the names of its columns there.
    """

    fetched_at: datetime
    digest: str
    rows: int
    quarantined: Mapping[str, int] = field(default_factory=dict)
    unknown_countries: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    origin: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartitionPayload:
    """A partition that is ready to be stored: its data file, its quarantined rows if any, and its metadata.

    `unread_reason` is why it is not to be stored: too little of it could be read; empty where it is.
    """

    data: Path
    metadata: PartitionMetadata
    quarantine: Path | None = None
    unread_reason: str = ""


class ReportStore:
    """The reports of a project, in one folder. Raises `ProjectError` where it cannot be written."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the store for one fetch or import; remove drafts that an interrupted one left. Raises `LockHeld`."""
        with _disk_errors():
            disk.make_folder(self.root, "")
        try:
            with FileLock(disk.check(self.root, ".lock"), timeout=0):
                shutil.rmtree(self.root / _DRAFTS, ignore_errors=True)
                yield
        except Timeout:
            raise LockHeld("another run is fetching reports", hint="wait for it to end") from None

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A folder that only its owner can read, removed when the block ends."""
        with _disk_errors():
            folder = Path(tempfile.mkdtemp(dir=disk.make_folder(self.root, _DRAFTS)))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def put(self, partition: Partition, payload: PartitionPayload) -> None:
        """Store a partition in place of the one that may be there."""
        name = partition.folder.as_posix()
        metadata = payload.data.with_name(_METADATA)
        with _disk_errors():
            metadata.write_text(_metadata_text(payload), encoding="utf-8", newline="\n")
            folder = disk.make_folder(self.root, name)
            if payload.quarantine is None:
                disk.check(self.root, f"quarantine/{name}/{_QUARANTINE}").unlink(missing_ok=True)
            else:
                quarantine = disk.make_folder(self.root, f"quarantine/{name}")
                payload.quarantine.replace(quarantine / _QUARANTINE)
            payload.data.replace(folder / DATA)
            metadata.replace(folder / _METADATA)

    def metadata(self, partition: Partition) -> PartitionMetadata | None:
        """The metadata of a stored partition; None where it is absent, or its metadata is of another data file."""
        folder = partition.folder.as_posix()
        try:
            raw = json.loads(disk.read(self.root, f"{folder}/{_METADATA}"))
            data = disk.check(self.root, f"{folder}/{DATA}")
            return _metadata_from_json(raw) if raw["bytes"] == data.stat().st_size else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def data(self, partition: Partition) -> Path:
        """The path of a partition's data file. Raises `UnfitFile` where a link or no regular file is there."""
        return disk.check(self.root, (partition.folder / DATA).as_posix())

    def partitions(self, source: str) -> Mapping[Partition, Path]:
        """The data files of a source. Raises `UnfitFile` where a link or no regular file is in the place of one."""
        paths = {}
        for path in sorted((self.root / f"source={quote(source, safe='')}").glob(f"app=*/day=*/{DATA}")):
            app, day = (unquote(part.name.partition("=")[2]) for part in (path.parents[1], path.parent))
            paths[Partition(source, app, day)] = disk.check(self.root, path.relative_to(self.root).as_posix())
        return paths

    def days(self) -> Sequence[date]:
        """The days with reports of any source, in order."""
        partitions = (each for source in SOURCES for each in self.partitions(source))
        return sorted({date.fromisoformat(partition.day) for partition in partitions})

    def files(self, source: str, first: date, last: date) -> Mapping[Partition, Path]:
        """The data files of a source with a day in the window."""
        return {
            partition: path
            for partition, path in self.partitions(source).items()
            if first.isoformat() <= partition.day <= last.isoformat()
        }


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        name = Path(error.filename).name if error.filename else "a report"
        raise ProjectError(f"{name} cannot be written: {error.strerror or error}") from error


def _metadata_text(payload: PartitionPayload) -> str:
    metadata = payload.metadata
    content = {
        "fetchedAt": metadata.fetched_at.astimezone(UTC).isoformat(timespec="seconds"),
        "digest": metadata.digest,
        "rows": metadata.rows,
        "bytes": payload.data.stat().st_size,
        "quarantined": dict(metadata.quarantined),
        "unknownCountries": dict(metadata.unknown_countries),
        "repeated": metadata.repeated,
        **({"origin": dict(metadata.origin)} if metadata.origin else {}),
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _metadata_from_json(raw: Mapping[str, Any]) -> PartitionMetadata:
    fetched_at = datetime.fromisoformat(raw["fetchedAt"])
    quarantined = {str(why): int(rows) for why, rows in raw["quarantined"].items()}
    unknown = {str(name): int(rows) for name, rows in raw["unknownCountries"].items()}
    repeated = int(raw.get("repeated", 0))
    origin = {str(key): str(value) for key, value in raw.get("origin", {}).items()}
    return PartitionMetadata(fetched_at, str(raw["digest"]), int(raw["rows"]), quarantined, unknown, repeated, origin)


_SALT_FILE: Final = "salt"
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_NO_SALT: Final = "remove the file to begin with another salt; users seen so far are then counted as others"


def project_salt(state: Path) -> Secret:
    """The salt in the project's state folder (`.reconciler`); where there is none, a random one is created.

    The file is readable by its owner alone. Raises `ProjectError` where it can be neither read nor written, or is no
    salt.
    """
    root, name = state.parent, f"{state.name}/{_SALT_FILE}"
    try:
        disk.make_folder(root, state.name)
        disk.check(root, name)
        disk.create(root, name, secrets.token_hex(32).encode(), mode=0o600)
        text = disk.read(root, name).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"{_SALT_FILE}: the salt can be neither read nor written", hint=_NO_SALT) from error
    if not _HEX.fullmatch(text):
        raise ProjectError(f"{_SALT_FILE} holds no salt of ours", hint=_NO_SALT)
    return Secret(text)
