"""`get`: live apps and placements by address or id, and an app's reward token."""

from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.console import answers_on_terminal
from reconciler.cli.options import Options, addresses, shared_options
from reconciler.cli.output import print_rows, write_out
from reconciler.cli.session import CommandSession
from reconciler.errors import ProjectError, ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.api.resources import ResourcesResult
    from reconciler.model.address import Kind
    from reconciler.render.text import Line

# ruff: noqa: PLC0415 - each format imports what it takes

_FORMATS: Final = ("table", "json", "csv", "yaml", "parquet")


@click.command("get")
@click.argument("references", metavar="[ADDRESS|ID]...", nargs=-1, shell_complete=addresses)
@click.option("--all", "everything", is_flag=True, help="All apps and placements of the account.")
@click.option("--kind", type=click.Choice(["app", "placement"]), help="Only this kind; says also whose an id is.")
@click.option(
    "--reveal-reward-token",
    "reveals",
    is_flag=True,
    help="Of one app: write the token that signs its reward callbacks to --out FILE, or to the terminal.",
)
@shared_options(formats=_FORMATS, api=True, out=True)
def get(options: Options, *, references: tuple[str, ...], everything: bool, kind: "Kind | None", reveals: bool) -> int:
    """Show live apps and placements, by address, pattern or id. Writes nothing.

    The address of an app stands for the app alone, 'APP/*' for its placements, 'APP*' for both. An id is looked for
    among apps and among placements. Ids need no project, addresses no manifests. With -v the table has every field;
    --format yaml is a manifest, as `pull` writes it.

    Exit 1: something was not found. What was found is shown all the same.

    --reveal-reward-token writes `rewardedAdSecurityToken` alone, and to no other place: a file that only its owner may
    read, or a terminal.

    \b
      reconciler get android:com.cash_crash.54
      reconciler get 'android:com.cash_crash.54/*' --format yaml
      reconciler get 170709 243713 --format json
      reconciler get --all --out resources.parquet
      reconciler get 170709 --reveal-reward-token --out token.txt
    """
    if bool(references) is everything:
        told = "--all stands for every resource: name none beside it" if everything else "nothing is named"
        raise UsageError(told, hint="name addresses or ids, or give --all")
    if reveals:
        return _reveal(options, references, kind)
    session = CommandSession.of(options)
    result = session.project_if_any().get(None if everything else references, kind=kind)
    if result.resources or not result.missing or options.format == "json":
        _print(session, result)
    for each in result.missing:
        session.console.error(f"{each.reference}: {each.why}", each.hint)
    return 0 if result.is_done else ReconcilerError.exit_code


def _print(session: CommandSession, result: "ResourcesResult") -> None:
    if session.options.format == "yaml":
        text, notes = result.manifest()
        _print_text(session, text)
        for note in notes:
            session.console.talk(note)
    elif session.options.format == "table":
        _print_lines(session, result)
    else:
        print_rows(session, result)


def _print_lines(session: CommandSession, result: "ResourcesResult") -> None:
    from reconciler.render.resources import field_lines, overview
    from reconciler.render.rows import table_lines

    found = result.resources
    lines: list[Line] = [*field_lines(found)] if session.options.verbosity else []
    lines = lines or [*table_lines(overview(found), most=max(1, len(found)))]
    if session.options.out is None:
        session.console.answer(lines)
    else:
        _print_text(session, "".join("".join(span.text for span in each).rstrip() + "\n" for each in lines))


def _print_text(session: CommandSession, text: str) -> None:
    if session.options.out is None:
        session.console.raw(text.rstrip("\n"))
        return
    write_out(session, text)
    session.console.talk(f"written to {session.options.out}")


def _reveal(options: Options, references: tuple[str, ...], kind: "Kind | None") -> int:
    """Write an app's reward token to its file or the terminal: nothing is asked for where it could go elsewhere."""
    _check_reveal(options, references, kind)
    session = CommandSession.of(options)
    token = session.project_if_any().reward_token(references[0])
    if options.out is None:
        session.console.raw(token.reveal())
        return 0
    from reconciler.files import disk

    try:
        disk.write_private(options.out.parent, options.out.name, f"{token.reveal()}\n".encode())
    except OSError as error:
        why = error.strerror or "the system refuses"
        raise ProjectError(f"{options.out} cannot be written: {why}", hint="name another file") from None
    session.console.talk(f"the token was written to {options.out}, which only its owner may read")
    return 0


def _check_reveal(options: Options, references: tuple[str, ...], kind: "Kind | None") -> None:
    """Raise `UsageError` for anything but one app, and for a token that would go where others read it."""
    if len(references) != 1 or kind == "placement":
        raise UsageError("--reveal-reward-token is of exactly one app", hint="name it by id or address")
    ending = "" if options.out is None else options.out.suffix.removeprefix(".")
    if options.format not in {_FORMATS[0], ending, {"yml": "yaml"}.get(ending)}:
        raise UsageError(f"a token is written as it is, not as {options.format}", hint="leave --format out")
    if options.out is None and not answers_on_terminal():
        raise UsageError(
            "a token goes to a terminal or to a file, and standard output is neither",
            hint="--out FILE writes one that only its owner may read",
        )
