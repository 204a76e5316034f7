"""The two passes over a report: its texts, then its rows of evidence, each written to a Parquet file.

The number and date formats are known only after the whole report was read, and it may not fit in memory.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import ProjectError
from reconciler.warehouse.import_csv import Header
from reconciler.warehouse.import_rows import (
    Clues,
    NumberFormat,
    RefusedRow,
    UnusableReport,
    evidence_row,
    is_total,
    is_unnamed,
)
from reconciler.warehouse.import_schema import COLUMNS, LONGEST_TEXT, ImportRecords

if TYPE_CHECKING:
    import pyarrow as pa


BATCH: Final = 20_000
PLACES: Final = 5
"""The most places that are recorded for a reason."""
SMALL_SHARE: Final = 0.05
"""The share of rows that may be refused; above it the report counts as misread or damaged."""
_AMOUNTS: Final = frozenset({name for name, column in COLUMNS.items() if column.kind in {"count", "amount"}})
_DERIVED: Final = ("ecpm", "rate", "ctr", "clicks", "cpm", "rpm")
"""Parts of the names of columns with derived figures, which are not kept."""


@dataclass(slots=True)
class RowCounts:
    """Counts of the rows of a report: all, and those that were refused, by reason.

    `places` are the numbers of the first rows of each reason. `left_out` counts sums and repeated headers.
    """

    rows: int = 0
    left_out: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[int]] = field(default_factory=dict)

    def refuse(self, reason: str, place: int) -> None:
        """Count a refused row, and note its place."""
        self.refused[reason] += 1
        places = self.places.setdefault(reason, [])
        if len(places) < PLACES:
            places.append(place)


@dataclass(frozen=True, slots=True)
class StagedTexts:
    """The result of the first pass: the file of texts, the clues to its formats, and the digest of its rows."""

    path: Path
    clues: Clues
    digest: str


def stage_texts(records: ImportRecords, header: Header, target: Path, counts: RowCounts) -> StagedTexts:
    """Write the texts of the known columns, with each row's number and two fingerprints.

    One fingerprint is of the whole row (`whole`), the other of all but its figures (`named`).
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra, and 0.2 s
    from pyarrow import parquet  # noqa: PLC0415

    texts = [(name, pa.string()) for name in header.places]
    schema = pa.schema([("place", pa.int64()), ("whole", pa.binary()), ("named", pa.binary()), *texts])
    clues, digest = Clues(), sha256()
    figures = _figure_columns(header)
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in _batches(_text_rows(records, header, counts, clues, figures)):
            for row in batch:
                digest.update(row["whole"])
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    return StagedTexts(target, clues, f"sha256:{digest.hexdigest()}")


def _figure_columns(header: Header) -> frozenset[int]:
    """Positions of the columns that hold figures: rows of equal dimensions may differ in these."""
    ours = {place for name, place in header.places.items() if name in _AMOUNTS}
    derived = {place for place, name in enumerate(header.names) if any(app_day in name.lower() for app_day in _DERIVED)}
    return frozenset(ours | (derived - set(header.places.values())))


def _text_rows(
    records: ImportRecords, header: Header, counts: RowCounts, clues: Clues, figures: frozenset[int]
) -> Iterator[dict[str, Any]]:
    width = len(header.names)
    for place, record in records.rows:
        if tuple(text.strip() for text in record) == header.names:
            counts.left_out += 1
            continue
        texts = {name: record[at] for name, at in header.places.items() if at < len(record)}
        if is_total(record, texts) or (len(record) == width and is_unnamed(texts)):
            counts.left_out += 1
            continue
        counts.rows += 1
        if len(record) != width:
            counts.refuse(f"{'fewer' if len(record) < width else 'more'} columns than the header", place)
            continue
        for name, text in texts.items():
            _note_format(clues, name, text)
        named = (text for at, text in enumerate(record) if at not in figures)
        yield {"place": place, "whole": _fingerprint(record), "named": _fingerprint(named), **_writable_texts(texts)}


def _note_format(clues: Clues, name: str, text: str) -> None:
    if name == "day":
        clues.see_day(text[:LONGEST_TEXT])
    elif name in _AMOUNTS:
        clues.see_number(text[:LONGEST_TEXT], whole=name != "revenue")


def _writable_texts(texts: Mapping[str, str]) -> Mapping[str, str]:
    """Texts that can be written to Parquet, cut to just over `LONGEST_TEXT`."""
    return {
        name: text if text.isascii() and len(text) < LONGEST_TEXT else _cut_text(text) for name, text in texts.items()
    }


def _cut_text(text: str) -> str:
    return text[: LONGEST_TEXT + 1].encode("utf-8", "replace").decode()


def _fingerprint(texts: Iterator[str] | Sequence[str]) -> bytes:
    return blake2b("\x1f".join(texts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def stage_rows(
    staged: StagedTexts, header: Header, formats: NumberFormat, target: Path, counts: RowCounts, unit: str
) -> None:
    """Write the rows of evidence; refused rows are counted. Raises `ProjectError` for another currency or time zone."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import parquet  # noqa: PLC0415

    schema = row_schema()
    with parquet.ParquetFile(staged.path) as source, parquet.ParquetWriter(target, schema) as writer:
        # PyArrow 19 cannot walk a file without row groups.
        for batch in source.iter_batches(BATCH) if source.num_row_groups else ():
            rows = []
            for texts in batch.to_pylist():
                identity = {"place": texts.pop("place"), "whole": texts.pop("whole"), "named": texts.pop("named")}
                try:
                    rows.append({**identity, **evidence_row(texts, header, formats)})
                except RefusedRow as why:
                    counts.refuse(str(why), identity["place"])
                except UnusableReport as why:
                    raise ProjectError(f"{unit} {identity['place']:,}: {why}", hint="nothing was imported") from None
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def row_schema() -> "pa.Schema":
    """The columns of a staged row of evidence."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    texts = ("app", "network", "source", "placement", "partner_placement", "format", "country")
    counts = ("requests", "responses", "impressions")
    return pa.schema([
        *(("place", pa.int64()), ("whole", pa.binary()), ("named", pa.binary())),
        *((name, pa.string()) for name in texts),
        ("day", pa.date32()),
        *((name, pa.int64()) for name in counts),
        ("earnings", pa.decimal128(38, 12)),
    ])  # fmt: skip


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
