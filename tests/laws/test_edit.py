"""Edited text says what it said with the edits made, and every other byte stays."""

import copy
from decimal import Decimal

from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st
from laws.yaml_texts import Written, yaml_texts
from support.draws import drawn

from reconciler.errors import EditError
from reconciler.yaml.apply_edits import apply_edits
from reconciler.yaml.edits import AddEntry, AddItem, RemoveEntry, SetScalar
from reconciler.yaml.node import AliasNode, Map, ScalarNode, Seq, place_at
from reconciler.yaml.parse import parse, read_tree
from reconciler.yaml.scalar import ManifestText

EXAMPLES = 60


def law(*strategies):
    """A claim about everything that can be drawn."""
    return lambda claim: drawn(EXAMPLES, HealthCheck.filter_too_much)(given(*strategies)(claim))


TEXTS = ["NO", "yes", "a: b", "a #b", "it's", "é\n", "", "12", "plain"]
VALUES = st.sampled_from([*TEXTS, 0, 7, -3, True, False, None]) | st.decimals(Decimal("0.01"), 99, places=3)


def read(data):
    parsed = parse(ManifestText("a.yaml", data))
    assert parsed.findings == (), data.decode()
    return parsed.documents


def values(data):
    return [document.value for document in read(data)]


def paths_of(node, path=()):
    yield path, node
    if isinstance(node, dict | list):
        for step, part in node.items() if isinstance(node, dict) else enumerate(node):
            yield from paths_of(part, (*path, step))


def chosen(draw, written: Written, kind, most=4):
    found = [path for path, node in paths_of(written.documents) if path and kind(node, path)]
    assume(found)
    return draw(st.lists(st.sampled_from(found), min_size=1, max_size=most, unique=True))


def is_scalar(node, path):
    return len(path) > 1 and not isinstance(node, dict | list)


def holder(documents, path):
    for step in path[:-1]:
        documents = documents[step]
    return documents


def value_at(documents, path):
    return holder(documents, path)[path[-1]]


def lines(data):
    return data.decode().splitlines(keepends=True)


@law(yaml_texts())
def test_the_texts_of_these_laws_are_read_as_what_was_written(written):
    assert values(written.data) == written.documents


@law(st.data(), yaml_texts())
def test_scalars_change_and_nothing_else_is_read_otherwise(data, written):
    edits = [SetScalar(path, data.draw(VALUES)) for path in chosen(data.draw, written, is_scalar)]
    wanted = copy.deepcopy(written.documents)
    for edit in edits:
        holder(wanted, edit.path)[edit.path[-1]] = edit.value
    assert values(apply_edits(written.data, edits)) == wanted


@law(st.data(), yaml_texts())
def test_only_lines_of_edited_scalars_change(data, written):
    edits = [SetScalar(path, data.draw(VALUES)) for path in chosen(data.draw, written, is_scalar)]
    documents = read(written.data)
    touched = {place_at(documents[edit.path[0]].value, edit.path[1:]).line for edit in edits}
    before, after = lines(written.data), lines(apply_edits(written.data, edits))
    assert len(before) == len(after)
    assert {at for at, pair in enumerate(zip(before, after, strict=True), 1) if pair[0] != pair[1]} <= touched


@law(st.data(), yaml_texts())
def test_setting_the_old_value_again_gives_the_old_bytes(data, written):
    paths = chosen(data.draw, written, lambda node, path: is_scalar(node, path) and type(node) in {int, Decimal})
    there, back = [], []
    for path in paths:
        old = value_at(written.documents, path)
        there.append(SetScalar(path, old + 1))
        back.append(SetScalar(path, old))
    assert apply_edits(apply_edits(written.data, there), back) == written.data


@law(st.data(), yaml_texts())
def test_setting_what_is_there_changes_no_byte_of_a_number_or_text(data, written):
    paths = chosen(data.draw, written, lambda node, path: is_scalar(node, path) and type(node) in {int, Decimal, str})
    assert apply_edits(written.data, [SetScalar(path, value_at(written.documents, path)) for path in paths]) == (
        written.data
    )


def additions(data, written):
    edits, wanted = [], copy.deepcopy(written.documents)
    places = chosen(data.draw, written, lambda node, _: isinstance(node, dict | list))
    for number, path in enumerate(places * 2):
        held, value = value_at(wanted, path), data.draw(VALUES)
        if isinstance(held, list):
            edits.append(AddItem(path, value))
            held.append(value)
        else:
            after = data.draw(st.sampled_from([None, *value_at(written.documents, path)]))
            edits.append(AddEntry(path, f"new {number}", value, after))
            held[f"new {number}"] = value
    return edits, wanted


@law(st.data(), yaml_texts())
def test_additions_are_read_as_added_and_change_no_other_value(data, written):
    edits, wanted = additions(data, written)
    assert values(apply_edits(written.data, edits)) == wanted


@law(st.data(), yaml_texts())
def test_additions_take_no_character_away(data, written):
    edits, _ = additions(data, written)
    assert is_subsequence(written.data.decode(), apply_edits(written.data, edits).decode())


def is_subsequence(short, long):
    rest = iter(long)
    return all(character in rest for character in short)


@law(st.data(), yaml_texts())
def test_removing_what_was_added_gives_the_old_bytes(data, written):
    edits, _ = additions(data, written)
    undone = []
    for edit in reversed(edits):
        if isinstance(edit, AddEntry):
            undone.append(RemoveEntry((*edit.path, edit.key)))
        else:
            known = len(value_at(written.documents, edit.path))
            later = sum(other is edit or other.path == edit.path for other in edits[: edits.index(edit) + 1])
            undone.append(RemoveEntry((*edit.path, known + later - 1)))
    assert apply_edits(apply_edits(written.data, edits), undone) == written.data


@law(st.data(), yaml_texts())
def test_a_removal_takes_what_it_names_or_is_refused(data, written):
    path = chosen(data.draw, written, lambda _, path: len(path) > 1, most=1)[0]
    try:
        edited = apply_edits(written.data, [RemoveEntry(path)])
    except EditError as refused:
        codes = {finding.code for finding in refused.findings}
    else:
        codes = set()
        wanted = copy.deepcopy(written.documents)
        del holder(wanted, path)[path[-1]]
        assert values(edited) == wanted
        assert is_subsequence(edited.decode(), written.data.decode())
    assert codes <= {"edit-last", "edit-layout"}


def seen_to_change(before, after, path=()):
    """The paths of all values that differ; a value that is new counts under its own path."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {*before, *after}:
            yield from seen_to_change(before.get(key, ...), after.get(key, ...), (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, pair in enumerate(zip(before, after, strict=True)):
            yield from seen_to_change(*pair, (*path, at))
    elif before != after or type(before) is not type(after):
        yield path


@law(yaml_texts(has_anchors=True))
def test_the_texts_with_anchors_are_read_as_what_was_written(written):
    assert values(written.data) == written.documents


def places_below(node):
    """The place of every mapping, list, key and value."""
    if isinstance(node, dict):
        yield node.place, [(node.key_place(key), node.value_place(key)) for key in node]
    elif isinstance(node, list):
        yield node.place, [node.item_place(at) for at in range(len(node))]
    for _, part in paths_of(node):
        if part is not node and isinstance(part, dict | list):
            yield from places_below(part)


def nodes_below(node):
    yield node
    if isinstance(node, Map):
        for entry in node.entries:
            yield from (*nodes_below(entry.key), *nodes_below(entry.value))
    elif isinstance(node, Seq):
        for part in node.nodes:
            yield from nodes_below(part)


@law(yaml_texts(has_anchors=True))
def test_a_tree_that_is_read_to_be_edited_says_what_reading_alone_does(written):
    text = ManifestText("a.yaml", written.data)
    read_alone, tree = parse(text), read_tree(text)
    assert (tree.parsed.findings, tree.parsed.warnings) == (read_alone.findings, read_alone.warnings)
    for one, other in zip(read_alone.documents, tree.parsed.documents, strict=True):
        assert (one.value, one.place, one.has_variables) == (other.value, other.place, other.has_variables)
        assert list(places_below(one.value)) == list(places_below(other.value))


@law(yaml_texts(has_anchors=True))
def test_each_node_of_a_tree_lies_in_its_text_where_it_says(written):
    tree = read_tree(ManifestText("a.yaml", written.data))
    for node in (below for root in tree.nodes for below in nodes_below(root)):
        there = tree.content[node.begin : node.end]
        if isinstance(node, AliasNode):
            assert there == f"*{node.anchor}"
            assert node in node.target.uses
        elif node.anchor is not None:
            assert there.startswith(f"&{node.anchor}")
        if isinstance(node, ScalarNode) and not node.style:
            assert tree.content[node.start : node.end] == node.text


@law(st.data(), yaml_texts(has_anchors=True))
def test_beside_anchors_a_value_changes_alone_or_is_refused_for_being_shared(data, written):
    (path,) = chosen(data.draw, written, is_scalar, most=1)
    try:
        edited = apply_edits(written.data, [SetScalar(path, "a new value")])
    except EditError as refused:
        codes = {finding.code for finding in refused.findings}
    else:
        codes = set()
        assert list(seen_to_change(written.documents, values(edited))) == [path]
    assert codes <= {"edit-shared", "edit-merged"}


@law(st.data(), yaml_texts(has_anchors=True))
def test_beside_anchors_an_entry_is_added_alone_or_refused_for_being_shared(data, written):
    (path,) = chosen(data.draw, written, lambda node, _: isinstance(node, dict), most=1)
    try:
        edited = apply_edits(written.data, [AddEntry(path, "new", 1)])
    except EditError as refused:
        codes = {finding.code for finding in refused.findings}
    else:
        codes = set()
        assert list(seen_to_change(written.documents, values(edited))) == [(*path, "new")]
        assert apply_edits(edited, [RemoveEntry((*path, "new"))]) == written.data
    assert codes <= {"edit-shared", "edit-merged"}
