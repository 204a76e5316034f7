"""HTML pages from templates, and the values that several pages share: tiles, count badges and rows of field changes.

What a template prints is made visible (`text.visible`), then escaped. A page loads nothing, and its content
security policy admits only its own script and style.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from reconciler.diff.change import Change, Delete, FieldChange, Update
from reconciler.render.plan_text import after_text, before_text, origin_text, percent_text
from reconciler.render.text import Tone, html_page, visible

if TYPE_CHECKING:
    from jinja2 import Environment

_STYLE: Final = "page.css"
_SCRIPT: Final = "page.js"


def page(template: str, values: Mapping[str, Any]) -> str:
    """The page that a template of `templates/` draws of these values. Raises jinja2's errors for what it lacks.

    All that extend `page.html` need `title`, `lead` (a line below it), `facts` (pairs of words), `tiles` (of
    `pieces.Tile`), `searched` (what the search box says it searches) and `closing`. What can be found is marked
    `data-item`, within a `data-group` that names it.
    """
    return html_page(_environment().get_template(template).render(values))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - 40 ms, and only pages need it
    from markupsafe import Markup  # noqa: PLC0415 - as above

    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (_template_source(environment, name) for name in (_STYLE, _SCRIPT))
    ours = {"style": Markup(style), "script": Markup(script)}  # noqa: S704 - no stranger's text is in them
    environment.globals |= {**ours, "policy": _policy(style, script)}
    return environment


def _printable(value: Any) -> Any:
    """What is printed; markup of our own templates is left as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _template_source(environment: "Environment", name: str) -> str:
    loader = environment.loader
    return loader.get_source(environment, name)[0].replace("\r\n", "\n") if loader is not None else ""


def _policy(style: str, script: str) -> str:
    rules = {
        "default-src": "'none'",
        "style-src": _hash(style),
        "script-src": _hash(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{rule} {allowed}" for rule, allowed in rules.items())


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@dataclass(frozen=True, slots=True)
class Tile:
    """A number and what it counts, for the head of a page."""

    number: int | str
    what: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class CountBadge:
    """A short count beside a name, as `2 update`."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class FieldChangeRow:
    """One field in a table of differences, in words."""

    path: str
    before: str
    after: str
    percent: str = ""
    origin: str = ""
    evidence: str = ""


def field_row(field: FieldChange, origin: str = "") -> FieldChangeRow:
    """A field change as a row; `origin` says why it differs."""
    return FieldChangeRow(
        field.path, before_text(field), after_text(field), percent_text(field), origin, field.evidence or ""
    )


def field_rows(change: Change) -> tuple[FieldChangeRow, ...]:
    """The fields of a change; none for a delete."""
    if isinstance(change, Delete):
        return ()
    moved = "changed in the manifest" if isinstance(change, Update) else ""
    return tuple(field_row(field, origin_text(change, field) or moved) for field in change.fields)


def count_badges(words: Iterable[str], tones: Mapping[str, Tone]) -> tuple[CountBadge, ...]:
    """How often each word comes up, in the order of the tones."""
    numbers = Counter(words)
    return tuple(CountBadge(f"{numbers[word]} {word}", tone) for word, tone in tones.items() if numbers[word])
