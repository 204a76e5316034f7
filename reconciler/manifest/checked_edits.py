"""Edits of manifests that are read again before they count: the result must declare what was asked for, and no more.

Here are the places of blocks (`BlockLocation`, `BlockIndex`), and the requests with their check (`EditRequest`,
`apply_requests`, `check_declared`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.errors import EditError
from reconciler.manifest.load import load_one
from reconciler.manifest.settings import Settings
from reconciler.model.address import Address, app_address, placement_address
from reconciler.model.diagnostic import Finding
from reconciler.model.state import DesiredApp, DesiredResource, Source
from reconciler.model.value import Fields
from reconciler.yaml.apply_edits import edit_whole
from reconciler.yaml.edits import Edit, Path
from reconciler.yaml.node import Map
from reconciler.yaml.parse import Parsed, Tree, read_tree
from reconciler.yaml.scalar import ManifestText, Place, spelling


@dataclass(frozen=True, slots=True)
class BlockLocation:
    """The block of an app or placement: the tree of its file, its path there, and what it says, merged keys included.

    `enclosing` holds the waterfall of a tier, whose fields the tier inherits.
    """

    tree: Tree
    path: Path
    raw: Map
    enclosing: tuple[Map, ...] = ()

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.tree.text.file

    @property
    def place(self) -> Place:
        """Where the block begins."""
        return self.raw.place


class BlockIndex:
    """The blocks of manifests in which `load_desired` found no error; a file is read once it is asked for."""

    def __init__(self, manifests: Iterable[ManifestText]) -> None:
        self._texts = {text.file: text for text in manifests}
        self._files: dict[str, tuple[Tree, Mapping[Address, BlockLocation]]] = {}

    def tree(self, file: str) -> Tree:
        """The tree of a file."""
        return self._read(file)[0]

    def location(self, block: DesiredResource) -> BlockLocation:
        """Where the block stands that declares an app or placement."""
        return self._read(block.source.file)[1][block.address]

    def _read(self, file: str) -> tuple[Tree, Mapping[Address, BlockLocation]]:
        if file not in self._files:
            tree = read_tree(self._texts[file])
            self._files[file] = tree, dict(_block_locations(tree))
        return self._files[file]


def _block_locations(tree: Tree) -> Iterator[tuple[Address, BlockLocation]]:
    for number, document in enumerate(tree.parsed.documents):
        for at, app in enumerate(document.value["apps"]):
            address, path = app_address(app["platform"], spelling(app["bundle"])), (number, "apps", at)
            yield address, BlockLocation(tree, path, app)
            for below, name, blocks in _placement_blocks(app):
                yield placement_address(address, name), BlockLocation(tree, (*path, *below), blocks[0], blocks[1:])


def _placement_blocks(app: Map) -> Iterator[tuple[Path, str, tuple[Map, ...]]]:
    """The path, the name and the blocks, the most specific first, of each placement of an app."""
    for at, block in enumerate(app.get("placements") or ()):
        yield ("placements", at), block["name"], (block,)
    for at, waterfall in enumerate(app.get("waterfalls") or ()):
        for tier_at, tier in enumerate(waterfall["tiers"]):
            yield ("waterfalls", at, "tiers", tier_at), f"{waterfall['name']}_{tier['name']}", (tier, waterfall)


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
    """The edited text, the requests that are in it, and findings on those that could not be."""

    text: ManifestText
    done: tuple[EditRequest, ...]
    rejected: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The tree of a file, and the blocks that it declares."""

    tree: Tree
    blocks: Mapping[Address, DesiredResource]


def apply_requests(
    context: ProjectContext, tree: Tree, apps: Iterable[DesiredApp], requests: Sequence[EditRequest]
) -> EditResult:
    """Apply the requests that can be applied; read again, the blocks declare exactly what these ask for.

    `apps` are those that manifests without errors declare, the ones of this file among them. What was rejected is tried
    again once others are carried out: a block whose values others merged may change when these have got lines of their
    own.
    """
    file = tree.text.file
    manifest = _Manifest(tree, blocks_by_address(app for app in apps if app.source.file == file))
    manifest, done, rejected = _try_requests(context, manifest, requests)
    all_done = list(done)
    while done and rejected:
        remaining = [request for request in requests if request not in all_done]
        manifest, done, rejected = _try_requests(context, manifest, remaining)
        all_done += done
    return EditResult(manifest.tree.text, tuple(all_done), tuple(rejected))


def _try_requests(
    context: ProjectContext, manifest: _Manifest, requests: Sequence[EditRequest]
) -> tuple[_Manifest, list[EditRequest], list[Finding]]:
    """Apply requests once: the manifest after it, the requests that are in it, and findings on the rest.

    All are tried at once, for some are sound only together; where that fails, each half is.
    """
    if not requests:
        return manifest, [], []
    try:
        return _edit_manifest(context, manifest, requests), list(requests), []
    except EditError as error:
        if len(requests) == 1:
            return manifest, [], [_rejection(finding, requests[0]) for finding in error.findings]
    middle = len(requests) // 2
    manifest, done, rejected = _try_requests(context, manifest, requests[:middle])
    manifest, more_done, more_rejected = _try_requests(context, manifest, requests[middle:])
    return manifest, done + more_done, rejected + more_rejected


def _rejection(finding: Finding, request: EditRequest) -> Finding:
    return replace(finding, severity="error", address=request.address, message=f"live differs, and {finding.message}")


def _edit_manifest(context: ProjectContext, manifest: _Manifest, requests: Sequence[EditRequest]) -> _Manifest:
    tree = edit_whole(manifest.tree, [edit for request in requests for edit in request.edits])
    blocks = declared_in(context, tree.text, tree.parsed)
    check_declared(manifest.blocks, blocks, requests, tree.text.file)
    return _Manifest(tree, blocks)


def declared_in(context: ProjectContext, text: ManifestText, parsed: Parsed) -> Mapping[Address, DesiredResource]:
    """The block of each app and placement of one file. Raises `EditError` with the findings where it is not sound."""
    loaded = load_one(context.settings, context.text, text, parsed)
    if loaded.state is None:
        raise EditError([finding for finding in loaded.findings if finding.severity == "error"])
    return blocks_by_address(loaded.state.apps)


def blocks_by_address(apps: Iterable[DesiredApp]) -> Mapping[Address, DesiredResource]:
    """Every block by its address."""
    blocks: dict[Address, DesiredResource] = {}
    for app in apps:
        blocks[app.address] = app
        blocks.update((placement.address, placement) for placement in app.placements or ())
    return blocks


def check_declared(
    before: Mapping[Address, DesiredResource],
    after: Mapping[Address, DesiredResource],
    requests: Iterable[EditRequest],
    file: str,
) -> None:
    """Raises `EditError` where any block is otherwise than it was, or than the requests would have it."""
    wanted: dict[Address, Fields] = {}
    moves: dict[Address, Address] = {}
    for request in requests:
        wanted.update(request.declares)
        moves.update(request.moves)
    stays = {moves.get(address, address): block for address, block in before.items()}
    for address in sorted(after.keys() | stays.keys() | wanted.keys()):
        new, old = after.get(address), stays.get(address)
        source = new.source if new is not None else Source(file, 1)
        fields = wanted.get(address, old.fields if old is not None else None)
        same = new is not None and new.fields == fields and (old is None or _same_but_for_fields(old, new))
        if not same:
            message = "the edited text would say something else than it should"
            raise EditError(
                [Finding(file, source.line, 1, "edit-unsure", message, address=address, hint="edit it by hand")]
            )


def _same_but_for_fields(before: DesiredResource, after: DesiredResource) -> bool:
    """Whether two blocks differ in fields, address and place at most."""
    if isinstance(before, DesiredApp) and isinstance(after, DesiredApp):
        before, after = replace(before, placements=None, ladders=()), replace(after, placements=None, ladders=())
    no_source = Source("", 0)
    return replace(before, address=after.address, fields={}, source=no_source) == replace(
        after, fields={}, source=no_source
    )
