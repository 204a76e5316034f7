"""Live apps that no block stands for -> a new file for each."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from reconciler.adopt.file_names import FileNames
from reconciler.adopt.fresh import Fresh, fresh_app, fresh_placement, sort_out
from reconciler.adopt.ground import Account, Declared, Made
from reconciler.adopt.wishes import declared_in
from reconciler.diff.change import Note
from reconciler.errors import EditError
from reconciler.manifest.patterns import all_plain
from reconciler.manifest.text import ManifestText
from reconciler.manifest.write import manifest_text
from reconciler.model.address import Address, address_order, placement_address
from reconciler.model.diagnostic import Finding
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveResource, live_app_address


def write_new(declared: Declared, account: Account, claimed: AbstractSet[str], made: Made) -> None:
    """A file for each live app that no block stands for, looks like, or may have made."""
    settings = declared.frame.settings
    found = [(live_app_address(app), app) for app in account.chosen if app.id not in claimed]
    shortlist = sort_out(found, (app.address for app in declared.state.apps), account.ledger)
    made.notes += shortlist.notes
    names = FileNames(all_plain(settings.manifests), {*made.texts, *declared.taken})
    for address, live, pinned in shortlist.chosen:
        elsewhere = _declared_elsewhere(declared, account.ledger, address)
        if elsewhere is not None:
            made.held.append(elsewhere)
            continue
        placements = fresh_placements(account.live.placements[live.id], address, declared, account.ledger, made.notes)
        app, notes = fresh_app(live, address, placements, pinned=pinned)
        made.notes += notes
        file = names.name_for(address) if app is not None else None
        if app is not None and file is not None:
            _put(declared, file, app, placements, made)
        elif app is not None:
            message, hint = "no pattern of `manifests` takes a new file", "add one, as in apps/**/*.yaml"
            made.held.append(Finding(declared.frame.text.file, 1, 1, "no-home", message, address=address, hint=hint))


def _declared_elsewhere(declared: Declared, ledger: Ledger, address: Address) -> Finding | None:
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


def fresh_placements(
    listed: Sequence[LiveResource], app: Address, declared: Declared, ledger: Ledger, notes: list[Note]
) -> list[Fresh]:
    """New blocks for the placements of an app that no block stands for."""
    shortlist = sort_out(((placement_address(app, each.name), each) for each in listed), (), ledger)
    notes += shortlist.notes
    found = []
    for _, live, pinned in shortlist.chosen:
        fresh, said = fresh_placement(live, app, declared.frame.settings, pinned=pinned)
        notes += said
        if fresh is not None:
            found.append(fresh)
    return found


def _put(declared: Declared, file: str, app: Fresh, placements: Sequence[Fresh], made: Made) -> None:
    """Write a new file, if it is read as what it should say."""
    schema = f"{'../' * file.count('/')}schemas/manifest.schema.json" if declared.has_schemas else None
    text = ManifestText(file, manifest_text([app.block], schema).encode())
    wanted = {each.address: each.declares for each in (app, *placements)}
    try:
        blocks = declared_in(declared.frame, text)
    except EditError as wrong:
        made.held += wrong.findings
        return
    if {address: block.fields for address, block in blocks.items()} != wanted:
        message, hint = "what is live cannot be written so that it is read again as it is", "write this app by hand"
        made.held.append(Finding(file, 1, 1, "edit-unsure", message, address=app.address, hint=hint))
        return
    made.texts[file] = text
    made.new.add(file)
    made.added += sorted(wanted, key=address_order)
