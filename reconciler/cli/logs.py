"""Talk for those who ask for it: logging to stderr, as text or JSON lines."""

import json
import logging
from datetime import UTC, datetime

from reconciler.report.sanitise import json_text, terminal, whole_line

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


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
