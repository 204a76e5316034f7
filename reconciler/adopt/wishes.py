"""What is to become of the blocks of one file, and its text once as much of that as can be is carried out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.errors import EditError
from reconciler.manifest.edit.apply import apply_edits
from reconciler.manifest.edit.changes import Edit
from reconciler.manifest.load import load_desired
from reconciler.manifest.settings import Settings
from reconciler.manifest.text import ManifestText
from reconciler.model.address import Address
from reconciler.model.desired import DesiredApp, DesiredResource, Source
from reconciler.model.diagnostic import Finding
from reconciler.model.value import Fields


@dataclass(frozen=True, slots=True)
class Wish:
    """Edits that belong together, and the whole fields that blocks are to declare after them.

    `moves` tells which addresses become which; `declares` is by the addresses after that, new blocks among them.
    """

    address: Address
    edits: tuple[Edit, ...]
    declares: Mapping[Address, Fields]
    moves: Mapping[Address, Address]


@dataclass(frozen=True, slots=True)
class Frame:
    """The settings that manifests are read under."""

    settings: Settings
    text: ManifestText


@dataclass(frozen=True, slots=True)
class Carried:
    """A text with wishes carried out, and findings on those that could not be."""

    text: ManifestText
    done: tuple[Wish, ...]
    held: tuple[Finding, ...] = ()


def carry_out(frame: Frame, text: ManifestText, wishes: Sequence[Wish]) -> Carried:
    """The text with the wishes that it can take: read again, its blocks declare just what they should.

    What was held is tried again once others are carried out: a block whose values others merged may change when these
    have got lines of their own.
    """
    carried = _carried(frame, text, wishes)
    done = carried.done
    while carried.done and carried.held:
        left = [wish for wish in wishes if wish not in done]
        carried = _carried(frame, carried.text, left)
        done = (*done, *carried.done)
    return Carried(carried.text, done, carried.held)


def _carried(frame: Frame, text: ManifestText, wishes: Sequence[Wish]) -> Carried:
    """One try. All are tried at once, for some are sound only together; where that fails, each half is."""
    if not wishes:
        return Carried(text, ())
    try:
        return Carried(_edited(frame, text, wishes), tuple(wishes))
    except EditError as wrong:
        if len(wishes) == 1:
            return Carried(text, (), tuple(_held(finding, wishes[0]) for finding in wrong.findings))
    middle = len(wishes) // 2
    first = _carried(frame, text, wishes[:middle])
    second = _carried(frame, first.text, wishes[middle:])
    return Carried(second.text, (*first.done, *second.done), (*first.held, *second.held))


def _held(finding: Finding, wish: Wish) -> Finding:
    return replace(finding, severity="error", address=wish.address, message=f"live differs, and {finding.message}")


def _edited(frame: Frame, text: ManifestText, wishes: Sequence[Wish]) -> ManifestText:
    edits = [edit for wish in wishes for edit in wish.edits]
    edited = ManifestText(text.file, apply_edits(text.data, edits, text.file))
    _check(declared_in(frame, text), declared_in(frame, edited), wishes, text.file)
    return edited


def declared_in(frame: Frame, text: ManifestText) -> Mapping[Address, DesiredResource]:
    """The block of each app and placement of one file. Raises `EditError` with the findings where it is not sound."""
    loaded = load_desired(frame.settings, frame.text, [text])
    if loaded.state is None:
        raise EditError([finding for finding in loaded.findings if finding.severity == "error"])
    return blocks_by_address(loaded.state.apps)


def blocks_by_address(apps: Iterable[DesiredApp]) -> Mapping[Address, DesiredResource]:
    """Every block by its address."""
    found: dict[Address, DesiredResource] = {}
    for app in apps:
        found[app.address] = app
        found.update((placement.address, placement) for placement in app.placements or ())
    return found


def _check(
    before: Mapping[Address, DesiredResource],
    after: Mapping[Address, DesiredResource],
    wishes: Sequence[Wish],
    file: str,
) -> None:
    """Raises `EditError` where any block is otherwise than it was, or than it should have become."""
    moves = {old: new for wish in wishes for old, new in wish.moves.items()}
    wanted = {new: fields for wish in wishes for new, fields in wish.declares.items()}
    stays = {moves.get(address, address): block for address, block in before.items()}
    for address in sorted(after.keys() | stays.keys() | wanted.keys()):
        there, was = after.get(address), stays.get(address)
        source = there.source if there is not None else Source(file, 1)
        fields = wanted.get(address, was.fields if was is not None else None)
        same = there is not None and there.fields == fields and (was is None or _alike(was, there))
        if not same:
            message = "the edited text would say something else than it should"
            raise EditError(
                [Finding(file, source.line, 1, "edit-unsure", message, address=address, hint="edit by hand")]
            )


def _alike(was: DesiredResource, there: DesiredResource) -> bool:
    """Whether two blocks differ in fields, address and place at most."""
    if isinstance(was, DesiredApp) and isinstance(there, DesiredApp):
        was, there = replace(was, placements=None, ladders=()), replace(there, placements=None, ladders=())
    nothing = Source("", 0)
    return replace(was, address=there.address, fields={}, source=nothing) == replace(there, fields={}, source=nothing)
