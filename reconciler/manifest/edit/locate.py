"""A path -> the part of the text that it names, and nothing that other paths lead to as well."""

from collections.abc import Sequence

from reconciler.manifest.edit.changes import Path, Unwritable
from reconciler.manifest.edit.spans import AliasSpan, Entry, Holder, MapSpan, ScalarSpan, SeqSpan, Span, Tree, Use
from reconciler.manifest.hints import quoted
from reconciler.manifest.node import Step
from reconciler.manifest.text import Place
from reconciler.model.diagnostic import Finding


def node_along(tree: Tree, path: Path, below: tuple[Step, ...] = ()) -> Span:
    """What stands at a path. Raises `Unwritable` where it is missing, merged, or not this path's alone.

    `below` continues the path to what is to be changed in what stands there.
    """
    if not path or not isinstance(path[0], int) or not 0 <= path[0] < len(tree.documents):
        raise Unwritable(Place(1, 1), "edit-missing", "the text has no such document", "")
    node = tree.documents[path[0]]
    for depth, step in enumerate(path[1:], start=1):
        _refuse_shared(tree, node, (*path[depth:], *below))
        node = _part(node, step)
    if below or not isinstance(node, AliasSpan):
        _refuse_shared(tree, node, below)
    return node


def block_along(tree: Tree, path: Path) -> MapSpan | AliasSpan:
    """The block at a path, an alias where it is written as one; others may share what stands in it.

    What an alias stands for is not to be changed: `MergeAlias` gives the block keys of its own. Raises `Unwritable`.
    """
    node = _part(node_along(tree, path[:-1], path[-1:]), path[-1])
    if isinstance(node, MapSpan) or (isinstance(node, AliasSpan) and isinstance(node.target, MapSpan)):
        return node
    raise Unwritable(node.place, "edit-layout", "the block is no mapping of its own", "edit it by hand")


def holder_along(tree: Tree, path: Path, below: Step) -> Holder:
    """The mapping or list at a path, in which something is to be changed. Raises `Unwritable`."""
    node = node_along(tree, path, (below,))
    if isinstance(node, MapSpan | SeqSpan):
        return node
    raise Unwritable(node.place, "edit-missing", f"there is no mapping or list at {quoted(spelt(path))}", "")


def spelt(path: Path) -> str:
    """A path as people write it: `apps[0].name`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path[1:]).removeprefix(".")


def part_index(holder: Holder, step: Step) -> int:
    """The position of an entry or item in what holds it. Raises `Unwritable` where it is missing, or merged."""
    if isinstance(holder, MapSpan):
        at = holder.find(str(step))
        if at is None:
            raise _missing(holder, step)
        return at
    if not isinstance(step, int) or not 0 <= step < len(holder.items):
        raise Unwritable(holder.place, "edit-missing", f"{quoted(str(step))} is not to be found here", "")
    return step


def _part(node: Span, step: Step) -> Span:
    if not isinstance(node, MapSpan | SeqSpan):
        raise Unwritable(node.place, "edit-missing", f"{quoted(str(step))} is not to be found here", "")
    at = part_index(node, step)
    return node.entries[at].value if isinstance(node, MapSpan) else node.items[at]


def _missing(node: MapSpan, step: Step) -> Unwritable:
    at = node.merge()
    if at is None:
        return Unwritable(node.place, "edit-missing", f"{quoted(str(step))} is not to be found here", "")
    merge = node.entries[at]
    origin = _origin(merge)
    message = f"{quoted(str(step))} comes from {origin} by <<, and belongs to all who merge it"
    return Unwritable(merge.value.place, "edit-merged", message, f"write {step} here: own keys win over merged ones")


def _origin(merge: Entry) -> str:
    sources = merge.value.items if isinstance(merge.value, SeqSpan) else (merge.value,)
    named = [_named(source) for source in sources if isinstance(source, AliasSpan)]
    return " or ".join(named) or "elsewhere"


def _named(alias: AliasSpan) -> str:
    return f"&{alias.anchor} on line {alias.target.place.line}"


def _refuse_shared(tree: Tree, node: Span, rest: Sequence[Step]) -> None:
    """Refuse what is seen in other places, too; a merge sees no key that its mapping has itself."""
    if isinstance(node, AliasSpan):
        message = f"*{node.anchor} stands for {_named(node)}, which belongs to all who use it"
        hint = f"write the value out here in place of *{node.anchor}"
        if isinstance(node.target, MapSpan):
            hint = f"write a mapping in place of *{node.anchor}, with <<: *{node.anchor} and the keys that differ"
        raise Unwritable(node.place, "edit-shared", message, hint)
    seen = [use for use in tree.uses.get(node, ()) if _sees(use, rest)]
    if seen:
        lines = ", ".join(str(line) for line in sorted({use.alias.place.line for use in seen}))
        anchor = seen[0].alias.anchor
        message = f"&{anchor} is used on line{'s' if ',' in lines else ''} {lines} as well, which would change with it"
        hint = f"edit it by hand if all are to change, or write the value out where *{anchor} stands"
        raise Unwritable(node.place, "edit-shared", message, hint)


def _sees(use: Use, rest: Sequence[Step]) -> bool:
    if use.into is None or not rest:
        return True
    return use.into.find(str(rest[0])) is None


def scalar_at(node: Span) -> ScalarSpan | AliasSpan:
    """The node, if it is one scalar on its lines. Raises `Unwritable`."""
    if isinstance(node, AliasSpan) and isinstance(node.target, ScalarSpan):
        return node
    if isinstance(node, ScalarSpan) and node.style not in {"|", ">"}:
        return node
    kind = "a block of text" if isinstance(node, ScalarSpan) else "a mapping or list"
    raise Unwritable(node.place, "edit-layout", f"{kind} stands here", "edit it by hand")


def scalar_or_alias(node: Span) -> ScalarSpan | AliasSpan:
    """The node, if it is an alias or one scalar on its lines. Raises `Unwritable`."""
    return node if isinstance(node, AliasSpan) else scalar_at(node)


def finding_of(wrong: Unwritable, file: str, address: str = "") -> Finding:
    """The finding for an edit that cannot be carried out in a file."""
    return Finding(file, *wrong.place, wrong.code, wrong.message, address=address, hint=wrong.hint)
