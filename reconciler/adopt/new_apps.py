"""Live apps without a block -> a new manifest file for each, named after its address.

A file name has letters, digits, `.`, `_` and `-` only, so that every file system and path takes it as it is.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
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
)
from reconciler.diff.change import Note
from reconciler.errors import EditError
from reconciler.manifest.checked_edits import declared_in
from reconciler.manifest.patterns import all_plain_patterns
from reconciler.manifest.write import manifest_text
from reconciler.model.address import Address, address_order, placement_address
from reconciler.model.diagnostic import Finding
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveResource, live_app_address
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
        placements = new_placement_blocks(
            account.live.placements[live.id], address, declared, account.ledger, draft.notes
        )
        app, notes = new_app_block(live, address, placements, pinned=pinned)
        draft.notes += notes
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
    listed: Sequence[LiveResource], app: Address, declared: DeclaredProject, ledger: Ledger, notes: list[Note]
) -> list[NewBlock]:
    """New blocks for the placements of an app that no block stands for."""
    shortlist = shortlisted(((placement_address(app, each.name), each) for each in listed), (), ledger)
    notes += shortlist.notes
    blocks = []
    for _, live, pinned in shortlist.chosen:
        block, block_notes = new_placement_block(live, app, declared.context.settings, pinned=pinned)
        notes += block_notes
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
