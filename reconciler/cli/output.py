"""Answers that are tables: printed in the requested format, or written to the file of `--out`."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.cli.options import Options
from reconciler.cli.session import CommandSession
from reconciler.errors import ProjectError
from reconciler.model.value import document_json

if TYPE_CHECKING:
    from reconciler.model.rows import Rows

# ruff: noqa: PLC0415 - each format imports what it takes

ROWS_FORMATS = ("table", "json", "csv", "parquet")
PAGE_FORMATS = (*ROWS_FORMATS, "html")


class TableResult(Protocol):
    """An answer that is a table."""

    @property
    def rows(self) -> "Rows":
        """The table."""
        ...

    def to_dict(self) -> Mapping[str, Any]:
        """The JSON document."""
        ...

    def to_arrow(self) -> Any:
        """The table as one of Arrow."""
        ...


def print_rows(
    session: CommandSession, result: TableResult, page: Callable[[], str] | None = None, *, mode: int = 0o666
) -> None:
    """A table in one of `ROWS_FORMATS`, or as a `page` of HTML, to stdout or to the file of `--out`.

    `mode` is that of a new file, as far as the umask allows. Raises `ProjectError` where the file cannot be written; it
    is whole or not there.
    """
    from reconciler.render import rows as render

    options = session.options
    if options.out is not None:
        write_out(session, _encoded(options, result, page), mode)
        if options.format != "json":
            _talk_notes(session, result)
        session.console.talk(f"{len(result.rows.rows):,} rows written to {options.out}")
        return
    match options.format:
        case "json":
            session.console.document(result.to_dict())
        case "csv":
            for piece in render.csv_text(result.rows):
                session.console.raw(piece.rstrip("\n"))
            _talk_notes(session, result)
        case "html":
            session.console.markup(page() if page else "")
        case _:
            session.console.answer(render.table_lines(result.rows))


def _talk_notes(session: CommandSession, result: TableResult) -> None:
    """On stderr, what a table says below its rows."""
    from reconciler.render.rows import note_lines

    for note in note_lines(result.rows):
        session.console.talk(note)


def write_out(session: CommandSession, data: str | bytes, mode: int = 0o666) -> None:
    """Write the file of `--out`, whole or not at all. Raises `ProjectError`."""
    from reconciler.files.project import write_given

    if session.options.out is not None:
        write_given(session.options.out, data, session.root_if_any(), mode=mode)


def _encoded(options: Options, result: TableResult, page: Callable[[], str] | None) -> str | bytes:
    from reconciler.api.results import parquet_bytes
    from reconciler.render import rows as render

    match options.format:
        case "json":
            return document_json(result.to_dict()) + "\n"
        case "csv":
            return "".join(render.csv_text(result.rows))
        case "parquet":
            return parquet_bytes(result.to_arrow())
        case "html" if page:
            return page()
        case "table":
            lines = render.table_lines(result.rows, most=len(result.rows.rows))
            return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)
        case form:
            raise ProjectError(f"{form} cannot be written to a file")
