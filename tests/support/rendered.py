"""Markdown as a site would render it, down to what a reader sees and to what would act."""

import re
from dataclasses import dataclass
from html import unescape

from markdown_it import MarkdownIt
from markdown_it.token import Token

GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = re.compile(
    r"(<!-- reconciler:\w+ [\w-]+ -->|<!-- reconciler:reviewed sha256:[0-9a-f]{64}( [A-Za-z0-9+/]+)? -->"
    r"|<details><summary>[^<>]*</summary>|</details>)\n?"
)
LATER = re.compile(r"[@#!]\w|\bGH-\d|:[\w+-]+:|://|\bwww\.", re.IGNORECASE)
"""What sites look for in text that is rendered already: mentions, references, emoji, bare links."""


@dataclass(frozen=True)
class Rendered:
    tokens: list[Token]

    @classmethod
    def of(cls, text: str) -> "Rendered":
        return cls(GFM.parse(text))

    @property
    def inline(self) -> list[Token]:
        return [child for token in self.tokens for child in token.children or ()]

    @property
    def html(self) -> list[str]:
        """Every piece of raw HTML."""
        return [token.content for token in [*self.tokens, *self.inline] if token.type in {"html_block", "html_inline"}]

    @property
    def words(self) -> str:
        """All that a reader reads, without the spaces that have no width."""
        told = [
            "".join(child.content for child in token.children or ()) for token in self.tokens if token.type == "inline"
        ]
        return "\n".join(told).replace("\u200b", "")

    @property
    def kinds(self) -> set[str]:
        return {token.type.removesuffix("_open").removesuffix("_close") for token in [*self.tokens, *self.inline]}

    def rows(self) -> list[list[str]]:
        """The rows of all tables, cell by cell."""
        rows: list[list[str]] = []
        for number, token in enumerate(self.tokens):
            if token.type == "tr_open":
                rows.append([])
            elif token.type in {"td_open", "th_open"}:
                rows[-1].append(
                    "".join(child.content for child in self.tokens[number + 1].children or ()).replace("\u200b", "")
                )
        return rows


PLAIN = {
    "html_block",
    "heading",
    "paragraph",
    "inline",
    "text",
    "text_special",
    "strong",
    "bullet_list",
    "list_item",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "hardbreak",
    "softbreak",
    "code_inline",
}
"""What our own markup comes to: no links, no images, no inline HTML."""
COMMANDS = {"reconciler plan -v", "reconciler show -v", "reconciler history", "reconciler validate"}


def assert_inert(text: str) -> Rendered:
    """The Markdown rendered, if all that is markup in it is ours and every fold that opens closes."""
    seen = Rendered.of(text)
    assert seen.kinds <= PLAIN, seen.kinds - PLAIN
    assert all(token.content in COMMANDS for token in seen.inline if token.type == "code_inline")
    assert [piece for piece in seen.html if not OURS.fullmatch(piece)] == []
    depth = 0
    for piece in seen.html:
        depth += piece.startswith("<details>") - piece.startswith("</details>")
        assert depth in {0, 1}
    assert depth == 0
    assert not LATER.search("\n".join(token.content for token in seen.inline))
    assert not LATER.search(unescape(re.sub(r"<.*?>", "", "".join(seen.html))))
    return seen
