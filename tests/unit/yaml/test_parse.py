import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yaml.scanner import ScannerError

from reconciler.yaml import parse as loader_module
from reconciler.yaml.events import SlowParser
from reconciler.yaml.node import mark_of
from reconciler.yaml.parse import DEEPEST, parse
from reconciler.yaml.scalar import ManifestText, resolve, spelling

NOT_OF_YAML = "\ufeff\ufffe\uffff"
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters=NOT_OF_YAML), max_size=30)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
DATA = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=25,
)


def read(text):
    return parse(ManifestText("a.yaml", text if isinstance(text, bytes) else text.encode()))


def value(text):
    parsed = read(text)
    assert parsed.findings == ()
    return parsed.documents[0].value


def codes(text):
    return [finding.code for finding in read(text).findings]


@given(st.lists(DATA, min_size=1))
def test_json_is_read_as_what_it_says(data):
    text = json.dumps(data, ensure_ascii=False)
    assert value(text) == json.loads(text, parse_float=lambda told: float(told) if "e" in told else Decimal(told))


@given(st.lists(DATA, min_size=1))
def test_both_parsers_give_the_same(data):
    text = json.dumps(data, ensure_ascii=False, indent=1).encode()
    slow, events = SlowParser(text), []
    while (event := slow.get_event()) is not None:
        events.append(event)
    fast = loader_module._Parser(text)
    for event in events:
        other = fast.get_event()
        assert type(other) is type(event)
        assert getattr(other, "value", None) == getattr(event, "value", None)
        if not type(event).__name__.endswith("EndEvent"):  # these alone have marks of different habits, and no use
            assert mark_of(other.start_mark) == mark_of(event.start_mark)


@given(st.binary(max_size=200))
def test_no_bytes_raise(data):
    for finding in read(data).findings:
        assert finding.line >= 1
        assert finding.column >= 1


@pytest.mark.parametrize(
    "text", ["NO", "yes", "On", "y", "1:30", "2026-12-31", "1_000", "0b1", "+0x1", "1e", "-", ".", "<<"]
)
def test_what_yaml_1_2_calls_text_is_text(text):
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("010", 10),
        ("-007", -7),
        ("+5", 5),
        ("1.", Decimal(1)),
        ("1.20", Decimal("1.2")),
        ("0.1", Decimal("0.1")),
        (".5", Decimal("0.5")),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("", None),
        ("~", None),
        ("Null", None),
        ("TRUE", True),
        ("False", False),
    ],
)
def test_what_yaml_1_2_calls_a_value_is_one(text, meant):
    found = resolve(text)
    assert found == meant
    assert isinstance(found, type(meant))
    assert isinstance(found, bool) == isinstance(meant, bool)


@pytest.mark.parametrize(("text", "meant"), [("0o17", 15), ("0x1F", 31)])
def test_a_number_to_another_base_keeps_its_spelling(text, meant):
    assert resolve(text) == meant
    assert spelling(resolve(text)) == text


@pytest.mark.parametrize("text", ["010", "-007", "+5", "0", "12", "-3", "00"])
def test_an_integer_is_spelled_as_it_is_written(text):
    assert spelling(resolve(text)) == text


def test_not_a_number_is_read():
    found = resolve(".NaN")
    assert found != found  # noqa: PLR0124 - that is how it shows


def test_a_number_of_any_length_is_read():
    assert resolve("9" * 5000) == float("inf")
    assert resolve("0x" + "f" * 5000) == int("f" * 5000, 16)


def test_quoted_scalars_and_keys_are_text():
    assert value("{a: '010', b: \"true\", 010: x, null: y, true: z}") == {
        "a": "010",
        "b": "true",
        "010": "x",
        "null": "y",
        "true": "z",
    }


def test_own_keys_win_over_merged_ones_and_earlier_merges_over_later():
    text = "- &a {x: 1, y: 1}\n- &b {y: 2, z: 2}\n- {<<: [*a, *b], x: 3}\n- {x: 3, <<: *a}\n"
    assert value(text)[2:] == [{"x": 3, "y": 1, "z": 2}, {"x": 3, "y": 1}]


def test_a_quoted_merge_key_is_a_plain_one():
    assert value("{'<<': {a: 1}}") == {"<<": {"a": 1}}


def test_merged_values_keep_the_places_they_came_from():
    merged = value("- &a\n  x: 1\n- y: 2\n  <<: *a\n")[1]
    assert merged.key_place("y") == (3, 3)
    assert merged.value_place("x") == (2, 6)


def test_places_count_characters_from_one():
    found = value("é: [ä, {ö: ü}]\n")
    assert found.value_place("é") == (1, 4)
    assert found["é"].item_place(1) == (1, 8)
    assert found["é"][1].value_place("ö") == (1, 12)


def test_an_anchored_scalar_serves_as_a_key():
    assert value("- &k 010\n- {*k : 1}\n") == [10, {"010": 1}]


def test_a_duplicate_key_keeps_the_first_value_and_reading_goes_on():
    parsed = read("a: 1\n'a': 2\nb: !x 3\n")
    assert parsed.documents[0].value == {"a": 1, "b": 3}
    assert sorted(finding.code for finding in parsed.findings) == ["duplicate-key", "tag"]


def test_anchors_end_with_their_document():
    assert codes("&a x\n---\n*a\n") == ["unknown-alias"]


def test_documents_before_a_broken_one_are_read():
    parsed = read("a: 1\n---\nb: [\n")
    assert [document.value for document in parsed.documents] == [{"a": 1}]
    assert [finding.code for finding in parsed.findings] == ["yaml-syntax"]


def test_the_deepest_nesting_is_read_and_one_more_is_not():
    assert codes("[" * DEEPEST + "]" * DEEPEST) == []
    assert codes("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)) == ["depth-limit"]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_bottomless_nesting_is_one_finding(text):
    assert codes(text) in (["depth-limit"], ["bad-key"])


class Scans(SlowParser):
    """A parser that reads ahead of its events to the end, and itself refuses more than 120 brackets."""

    def __init__(self, stream):
        super().__init__(stream)
        while not self.done:
            mark = self.get_mark()
            self.fetch_more_tokens()
            if self.flow_level > 120:
                raise ScannerError("while increasing flow level", mark, "exceeded maximum nesting depth", mark)


@pytest.mark.parametrize(
    "text", ["[" * 1500, "\ufeff" + "[" * 1500, "{a: " * 130, "a: 1\nb: " + "[" * 130 + "]" * 130, "[" * 110 + "\x01"]
)
def test_a_parser_that_refuses_nesting_by_itself_changes_no_finding(monkeypatch, text):
    told = read(text).findings
    assert [finding.code for finding in told] == ["depth-limit"]
    monkeypatch.setattr(loader_module, "_Parser", Scans)
    assert read(text).findings == told


def test_what_comes_before_a_refusal_is_told_too(monkeypatch):
    text = "x: &a !tag 1\ny: " + "[" * 130
    told = read(text).findings
    monkeypatch.setattr(loader_module, "_Parser", Scans)
    assert [finding.code for finding in told] == ["tag", "depth-limit"]
    assert read(text).findings == told


@pytest.mark.parametrize("parser", [loader_module._Parser, SlowParser])
@pytest.mark.parametrize(
    "text", ['a: "\\U00110000"\n', "%YAML 1." + "9" * 5000 + "\n---\na: 1\n"], ids=["escape", "version"]
)
def test_what_no_parser_can_make_sense_of_is_a_finding_with_its_place(monkeypatch, parser, text):
    monkeypatch.setattr(loader_module, "_Parser", parser)
    [finding] = read(text).findings
    assert (finding.code, finding.line) == ("yaml-syntax", 1)
    assert finding.hint


@pytest.mark.parametrize("error", [RecursionError, MemoryError, ValueError])
def test_whatever_a_parser_raises_is_a_finding_after_its_last_event(monkeypatch, error):
    class Fails(SlowParser):
        def get_event(self):
            event = super().get_event()
            if getattr(event, "value", "") == "b":
                raise error("deep down")
            return event

    monkeypatch.setattr(loader_module, "_Parser", Fails)
    [finding] = read("a: 1\nb : 2\n").findings
    assert (finding.code, finding.line, finding.column) == ("yaml-syntax", 1, 5)
    assert error.__name__ not in finding.message


def test_merges_count_as_expansion():
    sources = ", ".join(["*a"] * 3000)
    many = ", ".join(f"k{at}: 1" for at in range(100))
    assert codes(f"- &a {{{many}}}\n- {{<<: [{sources}]}}\n") == ["alias-limit"]


def test_a_table_shared_by_thousands_is_no_bomb():
    lines = "\n".join("- {floors: *t}" for _ in range(2000))
    assert codes(f"- &t {{US: 1, DE: 2, FR: 3, WW: 1}}\n{lines}\n") == []


def test_an_anchor_may_be_used_again():
    assert value("[&a 1, *a, &a 2, *a]") == [1, 1, 2, 2]


def test_a_byte_order_mark_and_carriage_returns_are_no_matter():
    assert value(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}


BREAKS = {"\x85": "U+0085", "\u2028": "U+2028", "\u2029": "U+2029", "\r": "U+000D"}
PARSERS = pytest.mark.parametrize("parser", [loader_module._Parser, SlowParser])


@PARSERS
@pytest.mark.parametrize(("character", "name"), BREAKS.items(), ids=BREAKS.values())
@pytest.mark.parametrize(
    "text",
    ["a: 1 # x{0}b: 2\n", "a: 1\n# x{0}c: 3\n", "a: x{0}y\n", "a{0}: 1\n", "a: 'x{0}y'\n", "a: |\n  x{0}  y\n", "{0}"],
)
def test_a_line_ends_where_git_ends_it_and_what_ends_it_elsewhere_is_refused(
    monkeypatch, parser, text, character, name
):
    monkeypatch.setattr(loader_module, "_Parser", parser)
    written = text.format(character)
    parsed = read(written)
    [finding] = [found for found in parsed.findings if found.code == "line-break"]
    before = written.partition(character)[0]
    assert (finding.line, finding.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert name in finding.message
    assert finding.hint
    assert not [part for part in parsed.documents if {"b", "c"} & set(part.value)]


@PARSERS
@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_in_double_quotes_such_a_character_is_text_and_ends_no_line(monkeypatch, parser, character):
    monkeypatch.setattr(loader_module, "_Parser", parser)
    parsed = read(f'a: "x {character} y"\nb: \ue000\nc: !t z\n')
    assert [(found.code, found.line) for found in parsed.findings] == [("tag", 3)]
    assert parsed.documents[0].value == {"a": f"x {character} y", "b": "\ue000", "c": "z"}


def test_a_carriage_return_alone_is_refused_in_quotes_too():
    assert codes('a: "x\ry"\n') == ["line-break"]


@pytest.mark.parametrize("text", ["a: 1 # {} x\n", 'a: "x{}y"\n', "a{}b: 1\n", "a: x{}y\n"])
@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200b", "\u2060"])
def test_what_reorders_a_line_or_is_seen_by_nobody_is_warned_of(text, character):
    parsed = read(text.format(character))
    assert parsed.findings == ()
    is_text = '"' in text and character in "\u200b\u2060"
    assert [found.code for found in parsed.warnings] == ([] if is_text else ["hidden-character"])


def test_joiners_and_marks_of_living_languages_are_no_matter():
    parsed = read("a: \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 # \U0001f468\u200d\U0001f469 \u200f\n")
    assert (parsed.findings, parsed.warnings) == ((), ())
