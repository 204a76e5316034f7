"""What printed text must not do, whatever it is told to hold: steer a terminal, command a runner, act on a page."""

import json
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from support.rendered import assert_inert

STEERING = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
MARKER = "<!-- reconciler: drift -->\n"
"""How an audit's comment is found again; those of the others are known to `support.rendered`."""
_TAGS = """
    html head meta title link style body a header h1 h2 h3 p dl div dt dd main ul ol li span strong code section details
    summary table caption thead tbody tr th td label input button footer script figure figcaption svg desc path circle
    text
"""
TAGS = frozenset(_TAGS.split())
"""Every tag that templates of ours write."""


def assert_harmless(text: str, *, commands: re.Pattern[str] | None = None) -> None:
    """No line is a command to a CI runner, but those that `commands` matches whole; none steers or hides anything."""
    for line in text.split("\n"):
        ours = commands is not None and commands.fullmatch(line)
        assert ours or not line.strip().startswith("::"), line
        assert not re.search(r"##[A-Za-z]*\[", line), line
        strange = {sign for sign in line if unicodedata.category(sign) in STEERING}
        assert strange == set(), line


def assert_markdown(text: str) -> None:
    """Markdown without markup, links, mentions and references but our own."""
    assert_harmless(text)
    assert_inert(text.replace(MARKER, "").replace("<br>", " "))


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]


def assert_page(html: str) -> None:
    """A page of our own tags only, which leads nowhere and runs nothing but its own script."""
    assert_harmless(html)
    seen = _Tags(html)
    assert set(seen.tags) <= TAGS, set(seen.tags) - TAGS
    assert (seen.tags.count("script"), seen.tags.count("style")) == (1, 1)
    for tag, name, value in seen.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in {"style", "src", "srcset", "action"}, (tag, name)
        assert name != "href" or (value or "").startswith("#") or value == "data:,", value


def assert_shown(document: str, *paths: str) -> None:
    """A JSON document whose texts under these keys, which sites show as they are, steer and hide nothing.

    A SARIF `text` may hold links, so it must have none of a stranger's.
    """
    assert_harmless(document)
    for key, text in _texts(json.loads(document)):
        if key in paths:
            assert {sign for sign in text if unicodedata.category(sign) in STEERING} == set(), text
            assert key != "text" or "](" not in text, text


def _texts(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, list):
        for part in node:
            yield from _texts(part, key)
    elif isinstance(node, dict):
        for name, part in node.items():
            yield from _texts(part, name)


COMMANDS = re.compile(
    r"::(error|warning|notice) \w+=[^:]*::.*|::(error|warning)::\d+ (error|warning)s? more: see the log of this step"
)
"""Annotations of ours; what their properties and messages hold is proven where they are made."""

CHECKS = {
    "text": assert_harmless,
    "json": assert_harmless,
    "openmetrics": assert_harmless,
    "gitlab": assert_harmless,
    "markdown": assert_markdown,
    "html": assert_page,
    "github": lambda text: assert_harmless(text, commands=COMMANDS),
    "sarif": lambda text: assert_shown(text, "text", "fullyQualifiedName"),
    "junit": assert_harmless,
    "codequality": lambda text: assert_shown(text, "description"),
}
"""By format: what its reader must not be made to do."""
