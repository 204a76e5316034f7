"""What the reader of plain YAML reads, it reads as the loader does: each value, type, place and finding.

The suite tries a share of the mutants, always the same ones; PLAIN=200000 in the environment tries so many.
"""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from laws.yaml_texts import yaml_texts

from reconciler.yaml import parse as loader_module
from reconciler.yaml.events import SlowParser
from reconciler.yaml.node import Map, Seq
from reconciler.yaml.parse import Loader, parse
from reconciler.yaml.plain import read_plain
from reconciler.yaml.scalar import ManifestText, PlainScalars

ROOT = Path(__file__).parents[2]
MANY = int(os.environ.get("PLAIN", "3000"))
OPEN_KEYS = frozenset({"name", "status"})
SIGNS = (
    *(
        " ",
        "  ",
        "\n",
        "\t",
        "#",
        " #",
        "#a",
        " # c",
        ":",
        ": ",
        "::",
        "a:b",
        "a: b",
        "k:",
        "-",
        "- ",
        " - ",
        "-a",
        "--",
    ),
    *(
        '"',
        "'",
        '""',
        "''",
        '"a"',
        "'a'",
        "\\",
        ",",
        ", ",
        "{",
        "}",
        "[",
        "]",
        "{}",
        "[]",
        "{a: 1}",
        "{a: 1, a: 2}",
        "[a, b]",
    ),
    *(
        "&a ",
        "*a",
        "!",
        "!!str ",
        "|",
        ">",
        "?",
        "? ",
        "%",
        "@",
        "`",
        "<<",
        "<<: *a",
        "<<: {a: 1}",
        "---",
        "--- ",
        "...",
    ),
    *(
        "0",
        "1",
        "-1",
        "+1",
        "010",
        ".5",
        "1.",
        "1e3",
        "0x1F",
        "0o7",
        "1:30",
        "null",
        "~",
        "true",
        "yes",
        ".inf",
        ".nan",
    ),
    *(
        "x",
        "_",
        "/",
        "$",
        "${A}",
        "=",
        "+",
        "(",
        ")",
        ".",
        ";",
        "^",
        "<",
        "é",
        "日",
        "😀",
        "\x00",
        "\x07",
        "\x7f",
        "\x85",
    ),
    *("\xa0", "\u3000", "\u2028", "\u2029", "\u200b", "\u202e", "\ufeff", "\ue000", "\ud7ff", "\ufffd", "\r", "\r\n"),
)
OF_ALL_SHAPES = """\
---
# all that is plain
version: 1
"quoted key": 'it is so'
empty:
apps: # below
- platform: android
  name:   Cash & Crash (2)   # trailing
  url: https://a.example/r?user={{USER_ID}}#x
  numbers: [1, -2, 3.50, 010, 1e3, 0x1F, .5, +7, ~, true, NO, "NO", 'no', a b]
  nested: {a: {b: [{c: d}, []], e: {}}, "f g": h}
  placements:
      - name: one
        floorPrices:
          WW: 0.05

          "NO": 5.44
      - name: zwölf 日本
      -   name: three
          geo: {include: true, countries: [CA, "NO"]}
  words:
    - plain
    - "quoted # no comment"
    - [x, y]
    - {x: y}
last:
"""


def texts():
    paths = sorted([*ROOT.glob("tests/cases/**/*.yaml"), *ROOT.glob("examples/**/*.yaml"), *ROOT.glob("kits/**/*.yml")])
    found = [OF_ALL_SHAPES]
    for path in paths:
        text = path.read_bytes().decode("utf-8", "replace")
        lines = text.split("\n")
        found += ["\n".join(lines[at : at + 40]) for at in range(0, len(lines), 40)]
    return found


def mutant(text, chance):
    """The text with one to five changes of a character, a few of them or a line."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5))):
        sign, at = chance.choice(SIGNS), chance.randrange(len(text) + 1)
        lines = text.split("\n")
        one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        blanks = len(lines[one]) - len(lines[one].lstrip(" "))
        match chance.randrange(9):
            case 0 | 1:
                text = text[:at] + sign + text[at:]
            case 2:
                text = text[:at] + sign + text[at + 1 :]
            case 3:
                text = text[:at] + text[at + chance.choice((1, 1, 2, 5)) :]
            case 4:
                lines.insert(other, lines.pop(one))
                text = "\n".join(lines)
            case 5:
                lines.insert(other, lines[one])
                text = "\n".join(lines)
            case 6:
                lines[one] = " " * max(0, blanks + chance.choice((-4, -2, -1, 1, 2, 4))) + lines[one].lstrip(" ")
                text = "\n".join(lines)
            case 7:
                lines[one] = lines[one][:blanks] + sign + lines[one][blanks:]
                text = "\n".join(lines)
            case _:
                lines[one] += chance.choice(("", " ")) + sign
                text = "\n".join(lines)
    return text


def spelled(node):
    """A value with all that can be told of it: types, the order of keys, marks, how numbers are written."""
    match node:
        case Map():
            parts = [(type(key).__name__, key, spelled(value)) for key, value in node.items()]
            return "map", node.mark, node.marks, node.broken, parts
        case Seq():
            return "list", node.mark, node.marks, node.broken, [spelled(value) for value in node]
        case _:
            return type(node).__name__, str(node), getattr(node, "text", None)


def loaded(data):
    loader = Loader(ManifestText("a.yaml", data), PlainScalars(), OPEN_KEYS)
    loader.read()
    return loader


def holds(text, scalars):
    """Whether the text is plain; it is read by both then, and must be the same."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        return False
    plain = read_plain(text, scalars)
    if plain is None:
        return False
    loader = loaded(text.encode())
    assert loader.findings == loader.broken_off == []
    [document] = loader.documents
    assert spelled(plain) == spelled(document.value)
    [other] = parse(ManifestText("a.yaml", text.encode()), open_keys=OPEN_KEYS).documents
    assert (other.place, other.has_variables, other.nodes) == (document.place, document.has_variables, document.nodes)
    return True


def test_of_all_mutants_what_is_plain_is_what_the_loader_reads():
    scalars, bases = PlainScalars(), texts()
    taken = sum(holds(mutant(chance.choice(bases), chance), scalars) for chance in map(random.Random, range(MANY)))
    assert taken > 0.1 * MANY


@given(yaml_texts(has_anchors=True))
def test_what_people_write_is_plain_or_left_to_the_loader(written):
    holds(written.data.decode(), PlainScalars())


def test_each_manifest_of_the_examples_is_plain():
    paths = [*ROOT.glob("examples/*/apps/*.yaml"), *ROOT.glob("examples/*/reconciler.yaml")]
    others = [path.name for path in paths if not holds(path.read_text(encoding="utf-8"), PlainScalars())]
    assert len(others) <= 0.2 * len(paths), others


def test_every_shape_of_plain_yaml_is_read_by_its_lines(monkeypatch):
    assert holds(OF_ALL_SHAPES, PlainScalars())
    monkeypatch.setattr(loader_module, "_Parser", SlowParser)
    assert holds(OF_ALL_SHAPES, PlainScalars())


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "\n",
            "# only\n",
            "a",
            "- a\n",
            "{a: 1}\n",
            "---\n---\na: 1\n",
            "a: 1\n---\nb: 2\n",
            "a: 1\n...\n",
            " a: 1\n",
        ),
        *("a: 1\na: 2\n", "a: {b: 1, b: 2}\n", "<<: {a: 1}\n", "a: &b 1\n", "a: *b\n", "a: !!str 1\n", "a: |\n  b\n"),
        *(
            "a: b\n  c\n",
            'a: "b\n  c"\n',
            "a: 'it''s'\n",
            'a: "\\n"\n',
            "a:\tb\n",
            "a: b\r\n",
            "\ufeffa: 1\n",
            "a: \x00\n",
        ),
        *(
            "a: b: c\n",
            "a:\n   b: 1\n  c: 2\n",
            "a: 1\n  b: 2\n",
            "a:\n- b\n c: 1\n",
            "a: [b: 1]\n",
            "a: {b}\n",
            "a: [1,\n 2]\n",
        ),
        *("a: \u200b\n", "a: \u2028\n", "? a\n: 1\n", "- - a\n", "a : 1\n", "%YAML 1.2\n---\na: 1\n", "a: {b: 1} c\n"),
        "".join(f"{'  ' * depth}a:\n" for depth in range(40)),
        "a: " + "[" * 40 + "]" * 40,
    ],
)
def test_what_is_not_plain_is_left_to_the_loader(text):
    assert read_plain(text, PlainScalars()) is None


def test_lines_are_forgotten_when_there_are_too_many():
    scalars = PlainScalars()
    text = "".join(f"k{number}: v{number}\n" for number in range(70_000))
    assert holds(text, scalars)
    assert len(scalars.lines) < 70_000
