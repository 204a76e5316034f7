"""PyYAML's own parser, for installations without libyaml: the same events, about ten times slower."""

from typing import Any

from yaml.events import ScalarEvent
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError


class SlowParser(Reader, Scanner, Parser):
    """Gives the events of a text through `get_event`."""

    def __init__(self, stream: bytes) -> None:
        Reader.__init__(self, stream)
        Scanner.__init__(self)
        Parser.__init__(self)

    def get_event(self) -> Any:
        """The next event. Raises `ScannerError` for escapes of surrogates, as libyaml does: they are no characters."""
        event: Any = super().get_event()  # type: ignore[no-untyped-call]
        if type(event) is ScalarEvent and any("\ud800" <= character <= "\udfff" for character in event.value):
            mark: Any = event.start_mark
            raise ScannerError(
                "while parsing a quoted scalar", mark, "found invalid Unicode character escape code", mark
            )
        return event
