"""The only writer to stdout and stderr. The answer goes to stdout, talk to stderr; every text is sanitised here."""

import json
import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import click

from reconciler.api.environment import Environment
from reconciler.cli.streams import discard_output, is_unicode
from reconciler.errors import ReconcilerError
from reconciler.model.diagnostic import Finding
from reconciler.model.value import document_json
from reconciler.render.text import Line, Span, Tone, json_text, line, terminal, whole_line, wrapped

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
        self._color = not no_color and Environment().wants_color
        self._is_required = self._is_stdout_lost = False

    def require_answer(self) -> None:
        """From here on the answer must be shown: it says what was done to the account.

        What cannot be written to stdout goes to stderr instead, and so does all that follows.
        """
        self._is_required = True

    def answer(self, lines: Iterable[Line]) -> None:
        """Lines of the answer."""
        for each in lines:
            self._print(each, to_answer=True)

    def answer_on_stderr(self, lines: Iterable[Line]) -> None:
        """Lines of an answer whose place on stdout is taken by a document."""
        for each in lines:
            self._print(each, to_answer=False)

    def document(self, document: Mapping[str, Any] | Sequence[Any]) -> None:
        """A JSON document as the answer."""
        text = document_json(document)
        if not text.isascii() or "\x7f" in text:  # what a terminal might obey is written as an escape
            text = json.dumps(document, indent=2, ensure_ascii=True)
        self._write(json_text(text), to_answer=True)

    def raw(self, text: str) -> None:
        """Text as the answer, as it is: our own, or a document in which all other texts are harmless already."""
        self._write(text, to_answer=True)

    def markup(self, text: str) -> None:
        """HTML, XML or Markdown as the answer; for a stream without all characters they are written as references."""
        narrow = text if is_unicode(sys.stdout) else text.encode("ascii", "xmlcharrefreplace").decode()
        self._write(narrow, to_answer=True)

    def talk(self, *parts: str | Span) -> None:
        """A line on stderr, for the person at the terminal."""
        self._print(line(*parts), to_answer=False)

    def warn(self, message: str) -> None:
        """What may be wrong."""
        self.talk(Span("warning: ", "change"), message)

    def error(self, message: str, hint: str = "") -> None:
        """What went wrong, and what to do about it."""
        for number, text in enumerate(message.splitlines() or [""]):
            label = Span("error: " if number == 0 else "       ", "blocked" if number == 0 else "plain")
            self._print(line(label, text), to_answer=False)
        if hint:
            self._print(line(Span("hint: ", "strong"), hint), to_answer=False)

    def usage(self, error: click.UsageError, hint: str = "") -> None:
        """How a command was called the wrong way, and where its help is; the help itself where none was named."""
        message = error.format_message()
        if message.startswith("Usage: "):
            self.answer_on_stderr(line(text) for text in message.splitlines())
            return
        self.error(message, hint)
        if error.ctx is not None:
            self.talk(f"try: {error.ctx.command_path} --help")

    def findings(self, findings: Iterable[Finding], *, to_answer: bool) -> None:
        """Findings, one a line, hints below."""
        for finding in findings:
            tone: Tone = "blocked" if finding.severity == "error" else "change"
            self._print(line(Span(str(finding), tone)), to_answer=to_answer)

    def drop_answer(self) -> None:
        """Discard the rest of the answer: its reader has closed the stream."""
        discard_output(sys.stdout)

    def confirm(self, question: str) -> bool:
        """Ask on the terminal; anything but a yes is a no."""
        self._write(whole_line(f"{terminal(question)} Only 'yes' is taken: "), to_answer=False, nl=False)
        return sys.stdin.readline().strip().lower() == "yes"

    def _print(self, spans: Line, *, to_answer: bool) -> None:
        stream = sys.stdout if to_answer else sys.stderr
        harmless = tuple(Span(terminal(span.text), span.tone) for span in spans)
        width = _width(stream)
        for each in wrapped(harmless, width) if width else (harmless,):
            if self._color and _is_terminal(stream):
                styled = (click.style(span.text, **_STYLES[span.tone]) for span in each if span.text)
                self._write("".join(styled), to_answer=to_answer, color=True)
            else:
                plain = "".join(span.text for span in each).rstrip()
                self._write(whole_line(plain), to_answer=to_answer)

    def _write(self, text: str, *, to_answer: bool, color: bool = False, nl: bool = True) -> None:
        """Write a line. An answer that cannot be written is an error, unless required; other lines are dropped."""
        if to_answer and self._is_required and sys.stdout is None:
            self._is_stdout_lost = True
        stream = sys.stdout if to_answer and not self._is_stdout_lost else sys.stderr
        if stream is None:
            return
        try:
            click.echo(text, stream, nl=nl, color=color)  # by itself click takes an ASCII stream for a UTF-8 one
        except OSError as error:
            if not to_answer or self._is_stdout_lost:
                return
            if self._is_required:
                self.drop_answer()
                self._is_stdout_lost = True
                self.talk(f"standard output cannot be written ({error.strerror or error}); the answer goes on here:")
                self._write(text, to_answer=True)
                return
            if isinstance(error, BrokenPipeError):
                raise
            self.drop_answer()
            raise ReconcilerError(f"the answer cannot be written: {error.strerror or error}") from error


def asks_on_terminal() -> bool:
    """Whether somebody is there to answer a question."""
    return _is_terminal(sys.stdin)


def answers_on_terminal() -> bool:
    """Whether the answer goes to a terminal, and so to nobody but who sits there."""
    return _is_terminal(sys.stdout)


def shows_progress() -> bool:
    """Whether talk goes to a terminal."""
    return _is_terminal(sys.stderr)


def _width(stream: TextIO | None) -> int:
    """The columns of a terminal; 0 for what is none, whose lines stay whole for programs that look for them."""
    if stream is None or not stream.isatty():
        return 0
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0


def _is_terminal(stream: TextIO | None) -> bool:
    """Python has no stream where the descriptor was closed before it started."""
    return stream is not None and stream.isatty()


_LEVELS: Final = (logging.WARNING, logging.INFO, logging.DEBUG)


def log_to_stderr(verbosity: int, log_format: str) -> None:
    """Send our own loggers' records to stderr: warnings, with -v what is done, with -vv every request."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if log_format == "json" else _Text())
    logger = logging.getLogger("reconciler")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])
    logging.getLogger("reconciler.progress").setLevel(logging.INFO)  # events of steps, which JSON lines always hold


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return whole_line(terminal(f"{record.levelname.lower()}: {record.getMessage()}"))


class _JsonLines(logging.Formatter):
    """A line of JSON for each record; what a record has as `facts` stands in it beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        return json_text(json.dumps({**line, **getattr(record, "facts", {})}))
