"""Edits of manifests by what they are for: carried out as far as blocks then declare just what they should."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.errors import EditError
from reconciler.manifest.load import load_one
from reconciler.manifest.settings import Settings
from reconciler.manifest.sites import Block
from reconciler.model.address import Address
from reconciler.model.desired import DesiredApp, Source
from reconciler.model.diagnostic import Finding
from reconciler.model.value import Fields
from reconciler.yaml.edit.apply import edit_whole
from reconciler.yaml.edit.changes import Edit
from reconciler.yaml.parse import Parsed, Tree
from reconciler.yaml.text import ManifestText


@dataclass(frozen=True, slots=True)
class ProjectContext:
    """The settings that manifests are read under."""

    settings: Settings
    text: ManifestText


@dataclass(frozen=True, slots=True)
class EditRequest:
    """Edits that belong together, and the whole fields that blocks are to declare after them.

    `moves` tells which addresses become which; `declares` is by the addresses after that, new blocks among them.
    """

    address: Address
    edits: tuple[Edit, ...]
    declares: Mapping[Address, Fields]
    moves: Mapping[Address, Address]


@dataclass(frozen=True, slots=True)
class EditResult:
    """A text with requests carried out, and findings on those that could not be."""

    text: ManifestText
    done: tuple[EditRequest, ...]
    rejected: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The tree of a file, and the blocks that it declares."""

    tree: Tree
    blocks: Mapping[Address, Block]


def carry_out(
    context: ProjectContext, tree: Tree, apps: Iterable[DesiredApp], requests: Sequence[EditRequest]
) -> EditResult:
    """The text of a tree with the requests that it can take: read again, its blocks declare just what they should.

    `apps` are those that manifests without errors declare, the ones of this file among them. What was rejected is tried
    again once others are carried out: a block whose values others merged may change when these have got lines of their
    own.
    """
    file = tree.text.file
    manifest = _Manifest(tree, blocks_by_address(app for app in apps if app.source.file == file))
    manifest, done, rejected = _tried(context, manifest, requests)
    all_done = list(done)
    while done and rejected:
        left = [request for request in requests if request not in all_done]
        manifest, done, rejected = _tried(context, manifest, left)
        all_done += done
    return EditResult(manifest.tree.text, tuple(all_done), tuple(rejected))


def _tried(
    context: ProjectContext, manifest: _Manifest, requests: Sequence[EditRequest]
) -> tuple[_Manifest, list[EditRequest], list[Finding]]:
    """One try: the manifest after it, what was carried out, and findings on the rest.

    All are tried at once, for some are sound only together; where that fails, each half is.
    """
    if not requests:
        return manifest, [], []
    try:
        return _edited(context, manifest, requests), list(requests), []
    except EditError as wrong:
        if len(requests) == 1:
            return manifest, [], [_rejected(finding, requests[0]) for finding in wrong.findings]
    middle = len(requests) // 2
    manifest, done, rejected = _tried(context, manifest, requests[:middle])
    manifest, more_done, more_rejected = _tried(context, manifest, requests[middle:])
    return manifest, done + more_done, rejected + more_rejected


def _rejected(finding: Finding, request: EditRequest) -> Finding:
    return replace(finding, severity="error", address=request.address, message=f"live differs, and {finding.message}")


def _edited(context: ProjectContext, manifest: _Manifest, requests: Sequence[EditRequest]) -> _Manifest:
    tree = edit_whole(manifest.tree, [edit for request in requests for edit in request.edits])
    blocks = declared_in(context, tree.text, tree.parsed)
    check_declared(manifest.blocks, blocks, requests, tree.text.file)
    return _Manifest(tree, blocks)


def declared_in(context: ProjectContext, text: ManifestText, parsed: Parsed) -> Mapping[Address, Block]:
    """The block of each app and placement of one file. Raises `EditError` with the findings where it is not sound."""
    loaded = load_one(context.settings, context.text, text, parsed)
    if loaded.state is None:
        raise EditError([finding for finding in loaded.findings if finding.severity == "error"])
    return blocks_by_address(loaded.state.apps)


def blocks_by_address(apps: Iterable[DesiredApp]) -> Mapping[Address, Block]:
    """Every block by its address."""
    found: dict[Address, Block] = {}
    for app in apps:
        found[app.address] = app
        found.update((placement.address, placement) for placement in app.placements or ())
    return found


def check_declared(
    before: Mapping[Address, Block], after: Mapping[Address, Block], requests: Iterable[EditRequest], file: str
) -> None:
    """Raises `EditError` where any block is otherwise than it was, or than the requests would have it."""
    wanted: dict[Address, Fields] = {}
    moves: dict[Address, Address] = {}
    for request in requests:
        wanted.update(request.declares)
        moves.update(request.moves)
    stays = {moves.get(address, address): block for address, block in before.items()}
    for address in sorted(after.keys() | stays.keys() | wanted.keys()):
        there, was = after.get(address), stays.get(address)
        source = there.source if there is not None else Source(file, 1)
        fields = wanted.get(address, was.fields if was is not None else None)
        same = there is not None and there.fields == fields and (was is None or _alike(was, there))
        if not same:
            message = "the edited text would say something else than it should"
            raise EditError(
                [Finding(file, source.line, 1, "edit-unsure", message, address=address, hint="edit it by hand")]
            )


def _alike(was: Block, there: Block) -> bool:
    """Whether two blocks differ in fields, address and place at most."""
    if isinstance(was, DesiredApp) and isinstance(there, DesiredApp):
        was, there = replace(was, placements=None, ladders=()), replace(there, placements=None, ladders=())
    nothing = Source("", 0)
    return replace(was, address=there.address, fields={}, source=nothing) == replace(there, fields={}, source=nothing)
