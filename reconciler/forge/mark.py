"""PURE. Markers: hidden first lines by which a comment or issue is found again."""

import re
from hashlib import sha256
from typing import Final

from reconciler.errors import ProjectError

_MARK: Final = re.compile(r"<!-- reconciler:[A-Za-z0-9 -]{1,100} -->")


def mark_of(body: str) -> str | None:
    """The marker in the first line of a body; None where there is none. A forge may have changed the line's end."""
    first = body.partition("\n")[0].strip()
    return first if _MARK.fullmatch(first) else None


def last_line(body: str) -> str:
    """The last line of a body that holds anything, where a report says for programs what was reviewed.

    It is looked for nowhere else. A forge may have changed how the line ends.
    """
    return body.rstrip().rpartition("\n")[2].strip()


def ending_in(body: str, line: str) -> str:
    """A body with another last line."""
    return f"{body.rstrip().rpartition(chr(10))[0]}\n{line}\n"


APPLIED: Final = "<!-- reconciler:applied -->"
"""The last line of a plan that has been applied: what was reviewed of it counts no more."""


def named_mark(name: str) -> str:
    """The marker for a name of any text, the same for the same name."""
    return f"<!-- reconciler:as {sha256(name.encode('utf-8', errors='surrogatepass')).hexdigest()[:16]} -->"


def marked(text: str, name: str | None) -> str:
    """A report with the marker that a name stands for, else with its own. Raises `ProjectError` without any."""
    found = mark_of(text)
    if name is not None:
        report = text.partition("\n")[2] if found else text
        return f"{named_mark(name)}\n{report.lstrip()}"
    if found is None:
        raise ProjectError(
            "the report has no marker in its first line: it could not be found again",
            hint="print it with --format markdown, or name it with --as NAME",
        )
    return text
