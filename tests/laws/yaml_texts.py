"""YAML as people write it, together with what it says: comments, quotes, blank lines and layouts at random."""

import copy
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

KEYS = ("US", "NO", "WW", "tier1", "a b", "é", "on", "k#1", "1", "name", "floorPrices", "x:y", "日本")
WORDS = ("Interstitial", "yes", "a #b", "it's", "über", "12:30", 'say "hi"', "", " spaced ", "{x}", "- a", "null", "😀")
TRAILS = ("", "", "", " # c", "   # {US: 1}, 'x'", "\t# tab", "  ", "\t", ' # "quote')
BETWEEN = ("", "# plain", "      # far in", "#", "  ")


@dataclass(frozen=True)
class Written:
    """A text, and the value of each of its documents."""

    data: bytes
    documents: list[Any]


@dataclass
class Writer:
    """Draws values and writes them down at the same time."""

    chance: random.Random
    has_anchors: bool = False
    anchors: dict[str, Any] = field(default_factory=dict)
    named: int = 0

    def document(self) -> tuple[list[str], Any]:
        self.anchors.clear()
        return self.block_map(0, 3)

    def scalar(self, *, in_flow: bool) -> tuple[str, Any]:
        kind = self.chance.randrange(6)
        if kind == 0:
            value = self.chance.choice([True, False, None])
            return {True: "true", False: "false", None: self.chance.choice(["null", "~"])}[value], value
        if kind == 1:
            number = self.chance.randrange(1000)
            return str(number), number
        if kind in {2, 3}:
            text = f"{self.chance.randrange(20)}.{self.chance.randrange(1000):03d}"[: self.chance.choice([-1, 10])]
            return text, Decimal(text)
        return self.quoted(self.chance.choice(WORDS), in_flow=in_flow)

    def quoted(self, word: str, *, in_flow: bool) -> tuple[str, str]:
        style = self.chance.randrange(3)
        plain = word.replace(" ", "").replace(":", "").isalpha() and word != "null" and word == word.strip()
        if style == 0 and plain and not (in_flow and ":" in word):
            return word, word
        if style == 1:
            return "'" + word.replace("'", "''") + "'", word
        return '"' + word.replace('"', '\\"') + '"', word

    def key(self, used: set[str]) -> tuple[str, str] | None:
        name = self.chance.choice(KEYS)
        if name in used:
            return None
        used.add(name)
        if name in {"k#1", "x:y"} or self.chance.randrange(4) == 0:
            return f'"{name}"', name
        return name, name

    def flow(self, depth: int, indent: int) -> tuple[str, Any]:
        kind = self.chance.randrange(3) if depth else 0
        if kind == 0:
            return self.scalar(in_flow=True)
        opened, closed = "{}" if kind == 1 else "[]"
        parts, value, used = [], ({} if kind == 1 else []), set()
        for _ in range(self.chance.randrange(4)):
            text, part = self.flow(depth - 1, indent + 2)
            if kind == 1:
                key = self.key(used)
                if key is None:
                    continue
                value[key[1]] = part
                parts.append(f"{key[0]}: {text}")
            else:
                value.append(part)
                parts.append(text)
        return opened + self.separated(parts, indent) + closed, value

    def separated(self, parts: list[str], indent: int) -> str:
        if not parts:
            return ""
        pad = " " * indent
        layout = self.chance.randrange(4)
        if layout == 0:
            ends = [self.chance.choice(["", " # c"]) for _ in parts]
            last = self.chance.choice(["", ","])
            lines = [f"\n{pad}{part}{',' if at + 1 < len(parts) else last}{ends[at]}" for at, part in enumerate(parts)]
            return "".join(lines) + f"\n{pad[:-1]}"
        if layout == 1:
            return f",\n{pad}".join(parts)
        space = self.chance.choice(["", " "])
        comma = ", " if any(part[-1:] not in "}\"'" for part in parts) else self.chance.choice([", ", " , ", ","])
        return space + comma.join(parts) + space

    def noise(self, indent: int) -> list[str]:
        """Comments and blank lines before a line; one farther out than the line is fine, too."""
        if self.chance.randrange(4):
            return []
        said = self.chance.choice(BETWEEN)
        return [" " * self.chance.choice([0, indent]) + said if said.startswith("#") else said]

    def value(self, depth: int, indent: int) -> tuple[list[str], Any]:
        """What stands behind a key and its colon, the first line with its leading space."""
        if self.anchors and self.chance.randrange(4) == 0:
            name = self.chance.choice(list(self.anchors))
            return [f" *{name}{self.chance.choice(TRAILS)}"], copy.deepcopy(self.anchors[name])
        lines, value = self.own_value(depth, indent)
        if self.has_anchors and self.chance.randrange(3) == 0:
            self.named += 1
            lines[0] = f" &a{self.named}{lines[0]}"
            self.anchors[f"a{self.named}"] = value
        return lines, value

    def own_value(self, depth: int, indent: int) -> tuple[list[str], Any]:
        kind = self.chance.randrange(6) if depth else self.chance.randrange(3)
        trail = self.chance.choice(TRAILS)
        if kind < 2:
            text, value = self.scalar(in_flow=False)
            return [f"{self.chance.choice([' ', '   '])}{text}{trail}"], value
        if kind < 3:
            text, value = self.flow(2, indent + 2)
            return [*f" {text}{trail}".split("\n")], value
        block = self.block_map if kind < 5 else self.block_list
        lines, value = block(indent + self.chance.choice([2, 4]), depth - 1)
        return [trail, *lines], value

    def block_map(self, indent: int, depth: int) -> tuple[list[str], Any]:
        lines, value, used = [], {}, set()
        mergeable = [name for name, anchored in self.anchors.items() if isinstance(anchored, dict)]
        if mergeable and self.chance.randrange(2):
            name = self.chance.choice(mergeable)
            lines.append(f"{' ' * indent}<<: *{name}")
            value.update(copy.deepcopy(self.anchors[name]))
        for _ in range(self.chance.randrange(1, 5)):
            key = self.key(used)
            if key is None:
                continue
            lines += self.noise(indent)
            (first, *rest), value[key[1]] = self.value(depth, indent)
            lines += [f"{' ' * indent}{key[0]}:{first}", *rest]
        return lines, value

    def block_list(self, indent: int, depth: int) -> tuple[list[str], Any]:
        lines, value = [], []
        for _ in range(self.chance.randrange(1, 4)):
            lines += self.noise(indent)
            if depth and self.chance.randrange(2):
                inner, item = self.block_map(indent + 2, depth - 1)
                at = next(at for at, line in enumerate(inner) if line.strip() and not line.strip().startswith("#"))
                lines += [*inner[:at], f"{' ' * indent}- {inner[at][indent + 2 :]}", *inner[at + 1 :]]
            else:
                text, item = self.flow(1, indent + 4)
                lines += f"{' ' * indent}- {text}{self.chance.choice(TRAILS)}".split("\n")
            value.append(item)
        return lines, value


@st.composite
def yaml_texts(draw, *, has_anchors: bool = False) -> Written:
    writer = Writer(draw(st.randoms(use_true_random=False)), has_anchors)
    lines, documents = [], []
    for at in range(draw(st.integers(1, 2))):
        body, value = writer.document()
        marker = ["---" + writer.chance.choice(["", " # doc"])] if at or writer.chance.randrange(2) else []
        lines += [*writer.noise(0), *marker, *body, *writer.noise(0)]
        documents.append(value)
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    text = ending.join(lines) + draw(st.sampled_from(["", ending, ending * 3]))
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return Written(mark + text.encode(), documents)
