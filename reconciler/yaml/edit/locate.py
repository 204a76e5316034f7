"""A path -> the part of the text that it names, and nothing that other paths lead to as well."""

from collections.abc import Sequence

from reconciler.model.diagnostic import Finding
from reconciler.yaml.edit.changes import Path, Unwritable
from reconciler.yaml.hints import quoted
from reconciler.yaml.node import AliasNode, Entry, Holder, Map, Node, ScalarNode, Seq, Step
from reconciler.yaml.parse import Tree
from reconciler.yaml.text import Place


def node_along(tree: Tree, path: Path, below: tuple[Step, ...] = ()) -> Node:
    """What stands at a path. Raises `Unwritable` where it is missing, merged, or not this path's alone.

    `below` continues the path to what is to be changed in what stands there.
    """
    if not path or not isinstance(path[0], int) or not 0 <= path[0] < len(tree.nodes):
        raise Unwritable(Place(1, 1), "edit-missing", "the text has no such document", "")
    node = tree.nodes[path[0]]
    for depth, step in enumerate(path[1:], start=1):
        _refuse_shared(node, (*path[depth:], *below))
        node = _part(node, step)
    if below or not isinstance(node, AliasNode):
        _refuse_shared(node, below)
    return node


def block_along(tree: Tree, path: Path) -> Map | AliasNode:
    """The block at a path, an alias where it is written as one; others may share what stands in it.

    What an alias stands for is not to be changed: `MergeAlias` gives the block keys of its own. Raises `Unwritable`.
    """
    node = _part(node_along(tree, path[:-1], path[-1:]), path[-1])
    if isinstance(node, Map) or (isinstance(node, AliasNode) and isinstance(node.target, Map)):
        return node
    raise Unwritable(node.place, "edit-layout", "the block is no mapping of its own", "edit it by hand")


def holder_along(tree: Tree, path: Path, below: Step) -> Holder:
    """The mapping or list at a path, in which something is to be changed. Raises `Unwritable`."""
    node = node_along(tree, path, (below,))
    if isinstance(node, Map | Seq):
        return node
    raise Unwritable(node.place, "edit-missing", f"there is no mapping or list at {quoted(spelt(path))}", "")


def spelt(path: Path) -> str:
    """A path as people write it: `apps[0].name`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path[1:]).removeprefix(".")


def part_index(holder: Holder, step: Step) -> int:
    """The position of an entry or item in what holds it. Raises `Unwritable` where it is missing, or merged."""
    if isinstance(holder, Map):
        at = holder.find(str(step))
        if at is None:
            raise _missing(holder, step)
        return at
    if not isinstance(step, int) or not 0 <= step < len(holder.nodes):
        raise Unwritable(holder.place, "edit-missing", f"{quoted(str(step))} is not to be found here", "")
    return step


def _part(node: Node, step: Step) -> Node:
    if not isinstance(node, Map | Seq):
        raise Unwritable(node.place, "edit-missing", f"{quoted(str(step))} is not to be found here", "")
    at = part_index(node, step)
    return node.entries[at].value if isinstance(node, Map) else node.nodes[at]


def _missing(node: Map, step: Step) -> Unwritable:
    at = node.merge()
    if at is None:
        return Unwritable(node.place, "edit-missing", f"{quoted(str(step))} is not to be found here", "")
    merge = node.entries[at]
    origin = _origin(merge)
    message = f"{quoted(str(step))} comes from {origin} by <<, and belongs to all who merge it"
    return Unwritable(merge.value.place, "edit-merged", message, f"write {step} here: own keys win over merged ones")


def _origin(merge: Entry) -> str:
    sources = merge.value.nodes if isinstance(merge.value, Seq) else (merge.value,)
    named = [_named(source) for source in sources if isinstance(source, AliasNode)]
    return " or ".join(named) or "elsewhere"


def _named(alias: AliasNode) -> str:
    return f"&{alias.anchor} on line {alias.target.place.line}"


def _refuse_shared(node: Node, rest: Sequence[Step]) -> None:
    """Refuse what is seen in other places, too; a merge sees no key that its mapping has itself."""
    if isinstance(node, AliasNode):
        message = f"*{node.anchor} stands for {_named(node)}, which belongs to all who use it"
        hint = f"write the value out here in place of *{node.anchor}"
        if isinstance(node.target, Map):
            hint = f"write a mapping in place of *{node.anchor}, with <<: *{node.anchor} and the keys that differ"
        raise Unwritable(node.place, "edit-shared", message, hint)
    seen = [alias for alias in node.uses if _sees(alias, rest)]
    if seen:
        lines = ", ".join(str(line) for line in sorted({alias.place.line for alias in seen}))
        anchor = seen[0].anchor
        message = f"&{anchor} is used on line{'s' if ',' in lines else ''} {lines} as well, which would change with it"
        hint = f"edit it by hand if all are to change, or write the value out where *{anchor} stands"
        raise Unwritable(node.place, "edit-shared", message, hint)


def _sees(alias: AliasNode, rest: Sequence[Step]) -> bool:
    if alias.into is None or not rest:
        return True
    return alias.into.find(str(rest[0])) is None


def scalar_at(node: Node) -> ScalarNode | AliasNode:
    """The node, if it is one scalar on its lines. Raises `Unwritable`."""
    if isinstance(node, AliasNode) and isinstance(node.target, ScalarNode):
        return node
    if isinstance(node, ScalarNode) and node.style not in {"|", ">"}:
        return node
    kind = "a block of text" if isinstance(node, ScalarNode) else "a mapping or list"
    raise Unwritable(node.place, "edit-layout", f"{kind} stands here", "edit it by hand")


def scalar_or_alias(node: Node) -> ScalarNode | AliasNode:
    """The node, if it is an alias or one scalar on its lines. Raises `Unwritable`."""
    return node if isinstance(node, AliasNode) else scalar_at(node)


def finding_of(wrong: Unwritable, file: str, address: str = "") -> Finding:
    """The finding for an edit that cannot be carried out in a file."""
    return Finding(file, *wrong.place, wrong.code, wrong.message, address=address, hint=wrong.hint)
