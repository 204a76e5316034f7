"""Types of documents: the object that is written, its schema, and the way back."""

from collections import Counter
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest

from reconciler.model import checked
from reconciler.model.document import Count, Document, Form, Id, Shape, Values, itself, key
from reconciler.model.value import ABSENT
from reconciler.render.published import document_schemas


class PartJson(Shape):
    """A part."""

    first_name: str = key("Its name.")
    note: str = key("A note.", lambda part: part.note or ABSENT, optional=True)
    of: Literal["a", "b"] = key("Its class.", name="class")
    size: Count | None = key("Its size.")
    app_id: Id | None = key("Where it is.", optional=True)


class LongPartJson(PartJson, base=attrgetter("part")):
    """A part with an end."""

    end: Annotated[str, Form(write=str.upper)] = key("Its end.")


class CountsJson(Shape, by=itemgetter, order="low high"):
    """Counts."""

    high: Count = key("High ones.")
    low: Count = key("Low ones.")


class BoxDocument(Document, format="reconciler.box/1", title="Box (box --format json)"):
    """A box."""

    counts: CountsJson = key("In numbers.", lambda parts: Counter(high=len(parts)))
    parts: list[PartJson] = key("All parts.", itself)
    last: PartJson | None = key("The last part.")
    tags: dict[str, Count] = key("Its tags.")


def part(**more):
    return SimpleNamespace(**{"first_name": "x", "note": "", "of": "a", "size": None, **more})


def test_an_object_has_its_keys_in_their_order_and_leaves_out_what_is_absent():
    assert list(PartJson.write(part()).items()) == [("firstName", "x"), ("class", "a"), ("size", None)]
    assert list(PartJson.write(part(note="n", app_id=None))) == ["firstName", "note", "class", "size", "appId"]


def test_inherited_keys_come_first_and_are_of_the_part_that_is_named():
    told = LongPartJson.write(SimpleNamespace(part=part(note="n"), end="z"))
    assert list(told.items()) == [("firstName", "x"), ("note", "n"), ("class", "a"), ("size", None), ("end", "Z")]


def test_an_order_of_its_own_holds_for_what_is_written_and_not_for_the_schema():
    assert list(CountsJson.write(Counter(high=2)).items()) == [("low", 0), ("high", 2)]
    schema = document_schemas([BoxDocument])["box.schema.json"]
    assert list(schema["definitions"]["Counts"]["properties"]) == ["high", "low"]


def test_a_document_begins_with_its_format_and_takes_what_is_given():
    told = BoxDocument.write((part(), part()), last=None, tags=Counter(a=1))
    assert list(told) == ["format", "counts", "parts", "last", "tags"]
    assert (told["format"], told["counts"]["high"], len(told["parts"])) == ("reconciler.box/1", 2, 2)
    assert "tags" not in BoxDocument.write((), last=part(), tags=ABSENT)


def test_what_is_not_there_is_our_bug():
    with pytest.raises(AttributeError):
        PartJson.write(SimpleNamespace(first_name="x"))


def test_a_schema_says_of_each_key_what_it_may_be():
    schema = document_schemas([BoxDocument])["box.schema.json"]
    assert (schema["title"], schema["description"]) == ("Box (box --format json)", "A box.")
    assert schema["properties"]["format"]["const"] == "reconciler.box/1"
    assert schema["properties"]["counts"] == {
        "allOf": [{"$ref": "#/definitions/Counts"}],
        "description": "In numbers.",
    }
    assert schema["properties"]["tags"] == {
        "additionalProperties": {"minimum": 0, "type": "integer"},
        "description": "Its tags.",
        "type": "object",
    }
    of_part = schema["definitions"]["Part"]
    assert of_part["required"] == ["firstName", "class", "size"]
    assert of_part["properties"]["note"]["default"] == ""
    assert of_part["properties"]["appId"] == {
        "anyOf": [{"type": "string"}, {"type": "null"}],
        "description": "Where it is.",
    }


@dataclass(frozen=True)
class Part:
    first_name: str
    size: int | None
    app_id: str
    note: str = "none"


class ReadJson(PartJson):
    """A part that is read."""

    size: Count | None = key("Its size.")
    fields: Values = key("Its fields.")
    at: Annotated[str, Form(read=checked.instant_text)] = key("When.")


RAW = {"firstName": "x", "size": 3, "appId": 7, "class": "nonsense", "more": 1}


class TestReading:
    def test_a_dataclass_takes_the_keys_of_its_fields_and_its_own_defaults(self):
        assert PartJson.read(RAW, Part) == Part("x", 3, "7", "none")
        assert PartJson.read({**RAW, "note": "n", "size": None}, Part) == Part("x", None, "7", "n")

    def test_what_is_given_is_not_read(self):
        assert PartJson.read({**RAW, "size": "junk"}, Part, size=1) == Part("x", 1, "7")

    @pytest.mark.parametrize("lacking", ["firstName", "size", "appId"])
    def test_a_key_that_is_not_there_is_named(self, lacking):
        with pytest.raises(KeyError, match=lacking):
            PartJson.read({key: value for key, value in RAW.items() if key != lacking}, Part)

    @pytest.mark.parametrize(
        ("wrong", "complaint"),
        [
            ({"firstName": None}, "null where a text belongs"),
            ({"size": -1}, "a number where a count belongs"),
            ({"appId": None}, "null where an id belongs"),
            ({"note": None}, "null where a text belongs"),
        ],
    )
    def test_a_value_that_does_not_fit_is_refused_and_null_where_the_field_may_not_be_none(self, wrong, complaint):
        with pytest.raises(ValueError, match=complaint):
            PartJson.read({**RAW, **wrong}, Part)


def test_fields_and_times_are_held_to_their_forms():
    @dataclass(frozen=True)
    class Read:
        fields: Any
        at: str

    raw = {"fields": {"coppa": True}, "at": "2026-11-21T19:00:00Z"}
    assert ReadJson.read(raw, Read) == Read({"coppa": True}, "2026-11-21T19:00:00Z")
    for wrong in ({"fields": {"coppa": 1}}, {"fields": []}, {"at": "soon"}):
        with pytest.raises(ValueError, match=r"where|another form"):
            ReadJson.read({**raw, **wrong}, Read)
