"""Live state, manifests and ledger -> the manifests that declare what is live, and the ledger that goes with them.

A live app without a block gets a file, named after its address: with letters, digits, `.`, `_` and `-` only, so that
every file system and path takes it as it is.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from reconciler.adopt.fresh import (
    AccountSnapshot,
    AdoptionDraft,
    DeclaredProject,
    NewBlock,
    new_app_block,
    new_placement_block,
    shortlisted,
    without_lost,
)
from reconciler.adopt.known import EditBatch, update_app
from reconciler.diff.assessment import earlier_creates
from reconciler.diff.change import FieldChange, Forget, InSync, Note, Remember, Update, Verdict
from reconciler.diff.changes import verdicts_on
from reconciler.diff.context import DiffContext, DiffOptions, by_app, context_of
from reconciler.diff.look_alikes import (
    ambiguity_reason,
    crossing_reason,
    look_alike_notes,
    look_alikes,
    suspected_app,
    unresolved_block,
)
from reconciler.diff.resolve import (
    Alike,
    AmbiguousIdentity,
    Crossed,
    Found,
    Missing,
    NotFound,
    PinNotFound,
    Resolution,
    resolve_apps,
)
from reconciler.diff.updates import with_applied_leaves
from reconciler.errors import EditError
from reconciler.manifest.checked_edits import BlockIndex, apply_requests, declared_in
from reconciler.manifest.load import load_desired
from reconciler.manifest.project_settings import all_plain_patterns
from reconciler.manifest.text import manifest_text
from reconciler.model.address import Address, address_order, app_of, placement_address
from reconciler.model.diagnostic import Finding, finding_order
from reconciler.model.ledger import Ledger, LedgerEntry
from reconciler.model.state import DesiredApp, DesiredState, LiveResource, live_app_address
from reconciler.yaml.parse import parse
from reconciler.yaml.scalar import ManifestText

_UNSAFE: Final = re.compile(r"[^a-z0-9._-]+")
_DOTS: Final = re.compile(r"\.{2,}")
_LONGEST: Final = 100
"""Characters of an address that a name repeats; file systems take 255 bytes."""


def write_new_apps(
    declared: DeclaredProject, account: AccountSnapshot, claimed: AbstractSet[str], draft: AdoptionDraft
) -> None:
    """Add a new file to the draft for each live app whose id is not in `claimed` and that can be declared."""
    settings = declared.context.settings
    without_block = [(live_app_address(app), app) for app in account.chosen if app.id not in claimed]
    shortlist = shortlisted(without_block, (app.address for app in declared.state.apps), account.ledger)
    draft.notes += shortlist.notes
    names = FileNames(all_plain_patterns(settings.manifests), {*draft.texts, *declared.taken})
    for address, live, pinned in shortlist.chosen:
        elsewhere = _declared_elsewhere(declared, account.ledger, address)
        if elsewhere is not None:
            draft.held.append(elsewhere)
            continue
        placements = new_placement_blocks(account, live, address, declared, draft.notes)
        kept, lost = without_lost(account, live, address)
        app, notes = new_app_block(kept, address, placements, pinned=pinned)
        draft.notes += [*lost, *notes]
        file = names.name_for(address) if app is not None else None
        if app is not None and file is not None:
            _write_new_file(declared, file, app, placements, draft)
        elif app is not None:
            message, hint = "no pattern of `manifests` takes a new file", "add one, as in apps/**/*.yaml"
            draft.held.append(Finding(declared.context.text.file, 1, 1, "no-home", message, address=address, hint=hint))


def _declared_elsewhere(declared: DeclaredProject, ledger: Ledger, address: Address) -> Finding | None:
    """Why an app without a block may have one in a file that was not read: a second one would be written."""
    bundle = address.partition(":")[2].encode()
    for text in declared.unread:
        if bundle in text.data:
            message = (
                "it is named in this file, which looks like a manifest and is not read: no second block is written"
            )
            hint = "add a pattern to `manifests` in reconciler.yaml, or rename the file"
            return Finding(text.file, 1, 1, "unread-manifest", message, address=address, hint=hint)
    if declared.doubts and declared.manifests and address in ledger:
        doubt = declared.doubts[0]
        message = f"the ledger knows it, and no manifest that was read declares it: {doubt.message}; nothing is written"
        return Finding(doubt.file, doubt.line, doubt.column, doubt.code, message, address=address, hint=doubt.hint)
    return None


def new_placement_blocks(
    account: AccountSnapshot, app: LiveResource, address: Address, declared: DeclaredProject, notes: list[Note]
) -> list[NewBlock]:
    """New blocks for the placements of an app that no block stands for."""
    listed = account.live.placements[app.id]
    shortlist = shortlisted(((placement_address(address, each.name), each) for each in listed), (), account.ledger)
    notes += shortlist.notes
    blocks = []
    for named, live, pinned in shortlist.chosen:
        kept, lost = without_lost(account, live, named)
        block, block_notes = new_placement_block(kept, address, declared.context.settings, pinned=pinned)
        notes += [*lost, *block_notes]
        if block is not None:
            blocks.append(block)
    return blocks


def _write_new_file(
    declared: DeclaredProject, file: str, app: NewBlock, placements: Sequence[NewBlock], draft: AdoptionDraft
) -> None:
    """Add a new file to the draft, if reading it gives exactly what was to be declared; else a finding."""
    schema = f"{'../' * file.count('/')}schemas/manifest.schema.json" if declared.has_schemas else None
    text = ManifestText(file, manifest_text([app.block], schema).encode())
    wanted = {each.address: each.declares for each in (app, *placements)}
    try:
        blocks = declared_in(declared.context, text, parse(text))
    except EditError as error:
        draft.held += error.findings
        return
    if {address: block.fields for address, block in blocks.items()} != wanted:
        message, hint = "what is live cannot be written so that it is read again as it is", "write this app by hand"
        draft.held.append(Finding(file, 1, 1, "edit-unsure", message, address=app.address, hint=hint))
        return
    draft.texts[file] = text
    draft.new.add(file)
    draft.added += sorted(wanted, key=address_order)


class FileNames:
    """Names for new files, none of which is taken; names that differ in case alone count as one."""

    def __init__(self, patterns: Sequence[str], taken: Iterable[str]) -> None:
        self._places = [place for pattern in patterns if (place := _pattern_place(pattern)) is not None]
        self._taken = {name.casefold() for name in taken}

    def name_for(self, app: Address) -> str | None:
        """A path relative to the project that its patterns match; None where no pattern takes a file more."""
        stem = _file_stem(app)
        for number in range(1, len(self._taken) + 2):
            name = f"{stem}.yaml" if number == 1 else f"{stem}-{number}.yaml"
            path = next((f"{folder}{name}" for folder, last in self._places if fnmatchcase(name, last)), None)
            if path is None or path.casefold() not in self._taken:
                self._taken.add((path or "").casefold())
                return path
        raise AssertionError("more names are taken than there are")


def _pattern_place(pattern: str) -> tuple[str, str] | None:
    """The folder, with its slash, that a pattern leads into, and what names must match there; None for other folders.

    `**` may stand for no folder at all.
    """
    *folders, last = pattern.split("/")
    named = [folder for folder in folders if folder not in {"**", "."}]
    if any(sign in folder for folder in named for sign in "*?[") or "**" in last:
        return None
    return "".join(f"{folder}/" for folder in named), last


def _file_stem(app: Address) -> str:
    """A readable name; where it does not tell everything, with a digest of the address behind it."""
    plain = app.replace(":", "-", 1)
    stem = _DOTS.sub(".", _UNSAFE.sub("_", plain.lower()))[:_LONGEST].strip("._-") or "app"
    if stem == plain:
        return stem
    return f"{stem}-{hashlib.sha256(app.encode('utf-8', 'backslashreplace')).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Adoption:
    """Texts to write, by file, and ledger entries to keep once they are written.

    `new` names the files among them that are not there yet, `added` the resources that no block stood for. `changes`
    are values taken over, live before declared ones. `held` are differences that could not be written; `notes`
    are for people.
    """

    texts: tuple[ManifestText, ...] = ()
    new: frozenset[str] = frozenset()
    added: tuple[Address, ...] = ()
    changes: tuple[tuple[Address, FieldChange], ...] = ()
    remember: tuple[LedgerEntry, ...] = ()
    forget: tuple[Address, ...] = ()
    notes: tuple[Note, ...] = ()
    held: tuple[Finding, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.texts or self.remember or self.forget)


def adopt(declared: DeclaredProject, account: AccountSnapshot) -> Adoption:
    """The manifests with all that is live and chosen declared as it is, every other block and byte as it was.

    Read again, they declare just that. Raises `EditError` where they would not: nothing is half done.
    """
    draft = AdoptionDraft({text.file: text for text in declared.manifests})
    context = context_of(declared.state, account.live, account.ledger, DiffOptions(account.now))
    resolutions = context.resolutions
    claimed = {each.live.id: address for address, each in resolutions.items() if isinstance(each, Found)}
    draft.notes += _unclear_app_notes(declared.state.apps, resolutions, account)
    alike = look_alikes(declared.state.apps, resolutions)
    earlier, notes = earlier_creates(declared.state.apps, resolutions, account.live.apps, account.past)
    draft.notes += notes
    suspected = _note_suspected(context, draft)
    _edit_known(declared, account, claimed, draft)
    write_new_apps(declared, account, claimed.keys() | alike | earlier | suspected, draft)
    return _check_adoption(declared, account, draft)


def _note_suspected(context: DiffContext, draft: AdoptionDraft) -> AbstractSet[str]:
    """Ids of owned apps that a new block may mean under another identity, each with a note: they get no new file."""
    for app in context.desired.apps:
        old = context.suspects.get(app.address)
        if old is not None:
            draft.notes.append(Note(app.address, suspected_app(app, old, context.orphans[old]).reason))
    return {context.orphans[old].id for old in context.suspects.values()}


def _unclear_app_notes(
    apps: Iterable[DesiredApp], resolutions: Mapping[Address, Resolution], account: AccountSnapshot
) -> Iterable[Note]:
    for app in apps if account.whole else ():
        address, resolution = app.address, resolutions[app.address]
        if app.state == "present":
            yield from look_alike_notes(app, resolution)
        match resolution:
            case NotFound(Alike((_, *_)) | Alike(nameless=(_, *_))) | Missing(alike=Alike((_, *_))) if (
                app.state == "present"
            ):
                yield Note(address, unresolved_block(app, resolution).reason)
            case Missing(lost):
                yield Note(address, f"id {lost} is no longer in the account; its block stays")
            case PinNotFound(pin):
                yield Note(address, f"the pinned appId {pin} is not in the account; its block stays")
            case AmbiguousIdentity(ids):
                yield Note(address, ambiguity_reason("appId", ids))
            case Crossed():
                yield Note(address, crossing_reason("appId", resolution))
            case _:
                pass


def _edit_known(
    declared: DeclaredProject, account: AccountSnapshot, claimed: Mapping[str, Address], draft: AdoptionDraft
) -> None:
    """Bring the blocks of known apps up to what is live."""
    blocks = {app.address: app for app in declared.state.apps}
    index, settings, today = BlockIndex(declared.manifests), declared.context.settings, account.now.date()
    batch = EditBatch(settings, by_app(account.ledger), today, index, account)
    for app in account.chosen:
        if app.id in claimed:
            update_app(blocks[claimed[app.id]], app, account.live.placements[app.id], batch)
    draft.notes += batch.notes
    draft.held += batch.rejected
    for file, requests in batch.requests.items():
        result = apply_requests(declared.context, index.tree(file), declared.state.apps, requests)
        draft.texts[file] = result.text
        draft.held += result.rejected
        written = {address for request in result.done for address in request.declares}
        draft.added += [address for address in batch.added if address in written]
        draft.changes += [(became, change) for became, change in batch.changes if became in written]


def _check_adoption(declared: DeclaredProject, account: AccountSnapshot, draft: AdoptionDraft) -> Adoption:
    """The adoption, its manifests read together once more, and what the ledger learns from them."""
    before = {text.file: text for text in declared.manifests}
    texts = tuple(text for file, text in sorted(draft.texts.items()) if before.get(file) != text)
    remember, forget = _ledger_changes(_read_again(declared, draft) if texts else declared.state, account)
    return Adoption(
        texts=texts,
        new=frozenset(draft.new),
        added=tuple(sorted(draft.added, key=address_order)),
        changes=tuple(sorted(draft.changes, key=lambda each: (address_order(each[0]), each[1].path))),
        remember=remember,
        forget=forget,
        notes=tuple(sorted(set(draft.notes), key=lambda note: (address_order(note.address), note.text))),
        held=tuple(sorted(draft.held, key=finding_order)),
    )


def _read_again(declared: DeclaredProject, draft: AdoptionDraft) -> DesiredState:
    loaded = load_desired(declared.context.settings, declared.context.text, list(draft.texts.values()))
    if loaded.state is None:
        raise EditError([finding for finding in loaded.findings if finding.severity == "error"])
    return loaded.state


def _ledger_changes(
    state: DesiredState, account: AccountSnapshot
) -> tuple[tuple[LedgerEntry, ...], tuple[Address, ...]]:
    """Entries for the chosen resources that are now as declared, and the former addresses of those that moved."""
    verdicts = list(verdicts_on(state, account.live, account.ledger, DiffOptions(account.now)))
    chosen = {app.id for app in account.chosen}
    apps = resolve_apps(state.apps, account.live.apps, account.ledger)
    ours = {address for address, each in apps.items() if isinstance(each, Found) and each.live.id in chosen}
    synced = {each.address for each in verdicts if isinstance(each, InSync) and app_of(each.address) in ours}
    entries = {each.address: each.entry for each in verdicts if isinstance(each, Remember) and each.address in synced}
    entries.update(_entries_beside_edits(verdicts, account.ledger, ours))
    remembered = {(entry.kind, entry.id) for entry in entries.values()}
    moved = [
        each.address
        for each in verdicts
        if isinstance(each, Forget)
        if (entry := account.ledger.get(each.address)) is not None and (entry.kind, entry.id) in remembered
    ]
    order = sorted(entries, key=address_order)
    return tuple(entries[address] for address in order), tuple(sorted(moved, key=address_order))


def _entries_beside_edits(
    verdicts: Iterable[Verdict], ledger: Ledger, ours: AbstractSet[Address]
) -> Iterator[tuple[Address, LedgerEntry]]:
    """Entries of resources with edits that were not applied yet: as declared but for these, which stay as applied."""
    for each in verdicts:
        entry = ledger.get(each.address)
        if isinstance(each, Update) and entry is not None and entry.id == each.id and app_of(each.address) in ours:
            after = with_applied_leaves(each.declared, each.fields, entry.applied)
            applied = {name: value for name, value in after.items() if name in entry.applied}
            if applied != entry.applied:
                yield each.address, replace(entry, applied=applied)
