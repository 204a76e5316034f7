"""The only writer to stdout and stderr. The answer goes to stdout, talk to stderr; every text is sanitised here."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import click

from reconciler.cli.settings import wants_color
from reconciler.model.diagnostic import Finding
from reconciler.report.line import Line, Span, Tone, line
from reconciler.report.sanitise import json_text, terminal, whole_line

_STYLES: Final[Mapping[Tone, Mapping[str, Any]]] = {
    "plain": {},
    "add": {"fg": "green"},
    "change": {"fg": "yellow"},
    "remove": {"fg": "red"},
    "blocked": {"fg": "magenta", "bold": True},
    "faint": {"dim": True},
    "strong": {"bold": True},
}


class Console:
    """Prints answers and talk; colours only where a terminal shows them and nobody asked for none."""

    def __init__(self, *, no_color: bool = False) -> None:
        self._color = not no_color and wants_color()

    def answer(self, lines: Iterable[Line]) -> None:
        """Lines of the answer."""
        for each in lines:
            self._print(each, to_answer=True)

    def aside(self, lines: Iterable[Line]) -> None:
        """Lines that would be the answer, were it not a document."""
        for each in lines:
            self._print(each, to_answer=False)

    def document(self, document: Mapping[str, Any]) -> None:
        """A JSON document as the answer."""
        click.echo(json_text(json.dumps(document, indent=2, ensure_ascii=True)))

    def raw(self, text: str) -> None:
        """Text of our own as the answer, as it is."""
        click.echo(text)

    def talk(self, *parts: str | Span) -> None:
        """A line for the person who watches."""
        self._print(line(*parts), to_answer=False)

    def error(self, message: str, hint: str = "") -> None:
        """What went wrong, and what to do about it."""
        for number, text in enumerate(message.splitlines() or [""]):
            label = Span("error: " if number == 0 else "       ", "blocked" if number == 0 else "plain")
            self._print(line(label, text), to_answer=False)
        if hint:
            self._print(line(Span("hint: ", "strong"), hint), to_answer=False)

    def usage(self, wrong: click.UsageError) -> None:
        """How a command was called the wrong way, and where its help is."""
        self.error(wrong.format_message())
        if wrong.ctx is not None:
            self.talk(f"try: {wrong.ctx.command_path} --help")

    def findings(self, findings: Iterable[Finding], *, to_answer: bool) -> None:
        """Findings, one a line, hints below."""
        for finding in findings:
            tone: Tone = "blocked" if finding.severity == "error" else "change"
            self._print(line(Span(str(finding), tone)), to_answer=to_answer)

    def abandon(self) -> None:
        """Stop writing: whoever read the answer has gone."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def confirm(self, question: str) -> bool:
        """Ask on the terminal; anything but a yes is a no."""
        click.echo(whole_line(f"{terminal(question)} Only 'yes' is taken: "), nl=False, err=True)
        return sys.stdin.readline().strip().lower() == "yes"

    def _print(self, spans: Line, *, to_answer: bool) -> None:
        stream = sys.stdout if to_answer else sys.stderr
        if self._color and stream.isatty():
            styled = (click.style(terminal(span.text), **_STYLES[span.tone]) for span in spans if span.text)
            click.echo("".join(styled), err=not to_answer, color=True)
        else:
            plain = "".join(terminal(span.text) for span in spans).rstrip()
            click.echo(whole_line(plain), err=not to_answer, color=False)


def asks_on_terminal() -> bool:
    """Whether somebody is there to answer a question."""
    return sys.stdin.isatty()


def shows_progress() -> bool:
    """Whether talk goes to a terminal."""
    return sys.stderr.isatty()
