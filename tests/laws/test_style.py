"""Formatted text says what it said, has every comment, and is formatted."""

from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from laws.yaml_texts import yaml_texts
from support.draws import drawn

from reconciler.manifest.block import APP_KEYS, PLACEMENT_KEYS
from reconciler.manifest.text import format_manifest
from reconciler.yaml.parse import parse
from reconciler.yaml.scalar import ManifestText

EXAMPLES = 200


def law(*strategies):
    """A claim about everything that can be drawn."""
    return lambda claim: drawn(EXAMPLES, HealthCheck.filter_too_much)(given(*strategies)(claim))


def read(data):
    parsed = parse(ManifestText("a.yaml", data))
    assert parsed.findings == ()
    return [document.value for document in parsed.documents]


def tidy(data):
    return format_manifest(ManifestText("a.yaml", data))


@law(yaml_texts(has_anchors=True))
def test_any_text_says_the_same_afterwards_and_stays_so(written):
    new = tidy(written.data)
    assert read(new) == written.documents
    assert tidy(new) == new
    assert sorted(b"".join(new.split())) == sorted(b"".join(written.data.split()))


COMMENTS = ("# one", "# two: {x: 1}", "#", "")


@st.composite
def manifests(draw):
    """A manifest with its keys in any order, odd indents, comments and blank lines."""
    dash = draw(st.sampled_from(["", "  ", "    "]))
    gap = draw(st.sampled_from([" ", "   "]))

    def noise(indent):
        return [
            f"{draw(st.sampled_from(['', indent]))}{text}"
            for text in draw(st.lists(st.sampled_from(COMMENTS), max_size=2))
        ]

    def entry(indent, key):
        trail = draw(st.sampled_from(["", "  # why", " # not"]))
        if key == "placements":
            lines = [f"{indent}{key}:{trail}"]
            for _ in range(draw(st.integers(1, 2))):
                lines += block(f"{indent}{dash}", draw(st.permutations([*PLACEMENT_KEYS[:6], "geo"])))
            return lines
        if key == "geo":
            return [
                f"{indent}{key}:{trail}",
                *noise(f"{indent}   "),
                f"{indent}   countries: [US]",
                f"{indent}   include: true",
            ]
        return [f"{indent}{key}:{gap}{key} x{trail}"]

    def block(indent, keys):
        lines = []
        for at, key in enumerate(keys):
            first, *rest = entry(f"{indent}  ", key)
            first = first if at else f"{indent}- {first.lstrip()}"
            lines += [*noise(f"{indent}  "), first, *rest]
        return lines

    lines = ["apps:", *block(dash, [*draw(st.permutations(APP_KEYS[:6])), "placements"])]
    lines = [*lines, "version: 1"] if draw(st.booleans()) else ["version: 1", *lines]
    return "\n".join([*noise(""), *lines, *noise("")]).encode() + draw(st.sampled_from([b"", b"\n", b"\n\n\n"]))


@law(manifests())
def test_a_manifest_gets_its_order_and_keeps_its_comments(data):
    new = tidy(data)
    assert read(new) == read(data)
    assert tidy(new) == new
    assert new.count(b"#") == data.count(b"#")
    document = read(new)[0]
    (app,) = document["apps"]
    assert list(document) == ["version", "apps"]
    assert list(app) == [key for key in APP_KEYS if key in app]
    assert all(list(block) == [key for key in PLACEMENT_KEYS if key in block] for block in app["placements"])
