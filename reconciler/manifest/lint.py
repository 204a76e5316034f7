"""Checks of one expanded app beyond its types: categories, names, bundle, targeting, floors, renames and tiers.

`lint_app` runs all of them. The categories of each platform are those that the vendor is known to accept; its list may
grow.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final, cast
from unicodedata import name as script

from reconciler.manifest.expand import ExpandedApp, ExpandedPlacement
from reconciler.manifest.layer import COUNTRIES, FieldOverlay, line_place
from reconciler.manifest.parsed_manifest import Reporter, warn_of_look_alike
from reconciler.manifest.settings import Settings
from reconciler.model.address import folded_placement
from reconciler.model.field import KNOWN_SKIPABILITY
from reconciler.model.value import MINIMUM, Floors, effective, to_json
from reconciler.yaml.node import Map
from reconciler.yaml.scalar import Place, did_you_mean, is_hidden, is_unseen, quoted, shown, unseen_ends

_USER_MACRO: Final = "{{USER_ID}}"
_STRANGE_IN_BUNDLE: Final = re.compile(r"[^A-Za-z0-9._]")
"""What no bundle holds: Android packages are named by letters, digits, `_` and dots, those of iOS by `-` as well."""
_STORE_NUMBER: Final = re.compile(r"id[0-9]+")
_WORD: Final = re.compile(r"[^\W\d_]+")
_LIKE_LATIN: Final = ("CYRILLIC", "GREEK")
"""The scripts with letters that look like those of the Latin one."""
_NAMED_COUNTRIES: Final = 3
"""Countries that one finding spells out; a ladder that is upside down is so in most."""
_NAMED_RENAMES: Final = 4
"""Renames that one finding spells out."""
_NAMED_CHARACTERS: Final = 8
"""Characters that one finding spells out."""


def lint_app(app: ExpandedApp, settings: Settings, reporter: Reporter) -> None:
    """Report what is wrong or doubtful within one app."""
    if app.desired.state == "absent":
        return
    about = reporter.about(app.desired.address)
    _lint_categories(app, about)
    _lint_reward_url(app, about)
    _lint_bundle(app, about)
    _lint_name(app.raw, about)
    _lint_hidden_characters(app.raw, about)
    for waterfall in app.raw.get("waterfalls") or ():
        _lint_name(waterfall, about)
        _lint_address(waterfall, about)
    for placement in app.placements:
        if placement.desired.state == "present":
            _lint_placement(placement, app, settings, about)
    _lint_look_alikes(app, reporter)
    _lint_renames(app, reporter)
    for waterfall in app.waterfalls:
        present = [tier for tier in waterfall if tier.desired.state == "present"]
        for upper, lower in pairwise(present):
            _lint_tiers(upper, lower, about.about(lower.desired.address))


@cache
def categories() -> Mapping[str, tuple[str, ...]]:
    """Category names by platform, spelled as the API wants them."""
    text = files("reconciler.manifest").joinpath("categories.json").read_text(encoding="utf-8")
    return {platform: tuple(names) for platform, names in json.loads(text).items()}


def _lint_look_alikes(app: ExpandedApp, reporter: Reporter) -> None:
    """Report placements that look like one declared before them and do not say that they are others."""
    first: dict[tuple[str, ...], ExpandedPlacement] = {}
    for placement in app.placements:
        desired = placement.desired
        if desired.state == "absent" or desired.lifecycle.distinct:
            continue
        other = first.setdefault(folded_placement(str(desired.fields["name"])), placement).desired
        if other.address != desired.address:
            place, about = placement.raw.value_place("name"), reporter.about(desired.address)
            warn_of_look_alike(about, place, str(desired.fields["name"]), str(other.fields["name"]), other.source)


def _lint_renames(app: ExpandedApp, reporter: Reporter) -> None:
    """Report `renamedFrom` values that name other blocks; chains of them are errors, for their order is unknown."""
    renamed = {
        str(each.desired.fields["name"]): each
        for each in app.placements
        if each.desired.renamed_from not in (None, each.desired.fields["name"])
    }
    if not renamed:
        return
    declared = {str(each.desired.fields["name"]): each for each in app.placements if each.desired.state == "present"}
    for each in renamed.values():
        _lint_former_name(each, declared, renamed, reporter)
    former = {name: str(each.desired.renamed_from) for name, each in renamed.items()}
    passed_on = [name for name, old in former.items() if old in former]
    if passed_on:
        concerned = dict.fromkeys((*passed_on, *(former[name] for name in passed_on)))
        renames = ", ".join(f"{shown(former[name])} to {shown(name)}" for name in list(concerned)[:_NAMED_RENAMES])
        more = f" and {len(concerned) - _NAMED_RENAMES} more" if len(concerned) > _NAMED_RENAMES else ""
        first = renamed[passed_on[0]]
        message = (
            f"names are given on from one placement to another ({renames}{more}): it cannot be told which are done"
        )
        hint = (
            "remove renamedFrom where it is done; else pin them with placementId instead, or rename one in each apply"
        )
        place, about = first.raw.value_place("renamedFrom"), reporter.about(first.desired.address)
        about.error(place, "rename-chain", message, hint)


def _lint_former_name(
    placement: ExpandedPlacement,
    declared: Mapping[str, ExpandedPlacement],
    renamed: Mapping[str, ExpandedPlacement],
    reporter: Reporter,
) -> None:
    """Warn of a `renamedFrom` that names a declared block: the live placement of that name belongs to that block."""
    old = str(placement.desired.renamed_from)
    if old not in declared or old in renamed:
        return
    message = (
        f"renamedFrom names {quoted(old)}, which is declared as well: the placement of that name stays with its block"
    )
    hint = "remove renamedFrom where the rename is done or this is a new placement; else remove the other block"
    about = reporter.about(placement.desired.address)
    about.warning(placement.raw.value_place("renamedFrom"), "rename-declared", message, hint)


def _lint_name(raw: Map, about: Reporter, *, renames: bool = False) -> None:
    """Warn of a name that begins or ends with invisible characters: people and consoles drop them."""
    name = raw.get("name")
    before, bare, behind = unseen_ends(name) if isinstance(name, str) else ("", "", "")
    if not (before or behind):
        return
    ends = [f"{verb} with {_code_points(part)}" for verb, part in (("begins", before), ("ends", behind)) if part]
    hint = f"write name: {quoted(bare)}" if bare else "give it a name that can be seen"
    if bare and renames:
        hint += f"; where the account has the name as it is, add renamedFrom: {quoted(str(name))}"
    message = f"the name {quoted(str(name))} {' and '.join(ends)}"
    about.warning(raw.value_place("name"), "name-ends", message, hint)


def _lint_address(raw: Map, about: Reporter) -> None:
    """Warn of characters in the name of a placement or waterfall that make an address hard to read or type."""
    name = str(raw["name"])
    if "/" in name:
        message = f"the name {quoted(name)} holds a slash, which divides app and placement in addresses"
        about.warning(
            raw.value_place("name"),
            "name-slash",
            message,
            "write - or _ instead, with renamedFrom where the account has it so",
        )
    _lint_hidden_characters(raw, about)


def _lint_hidden_characters(raw: Map, about: Reporter) -> None:
    """Warn of invisible characters within a name, and of letters of two scripts that look alike."""
    name = str(raw.get("name", ""))
    if name.isascii():
        return
    place = raw.value_place("name")
    _, inner, _ = unseen_ends(name)
    hidden = [each for each in dict.fromkeys(inner) if is_hidden(each)]
    if hidden:
        message = f"the name {quoted(name)} holds {_code_points(''.join(hidden))}, which nobody sees"
        about.warning(place, "name-hidden", message, "leave it out, with renamedFrom where the account has it so")

    mixed = [word for word in _WORD.findall(name) if not word.isascii() and _is_mixed(word)]
    if mixed:
        foreign = _code_points("".join(each for each in mixed[0] if not each.isascii()))
        message = f"the name {quoted(name)} mixes letters that look alike: {foreign} in {mixed[0]!a} is not Latin"
        about.warning(place, "name-mixed", message, "write it in one script")


def _is_mixed(word: str) -> bool:
    """Whether a word has letters of the Latin script beside those of one that looks like it."""
    scripts = {script(letter, "").partition(" ")[0] for letter in word}
    return "LATIN" in scripts and not scripts.isdisjoint(_LIKE_LATIN)


def _lint_bundle(app: ExpandedApp, about: Reporter) -> None:
    """Warn of a bundle that no package can have: an app created with it cannot be corrected."""
    if not app.is_identified:
        return
    platform, bundle = (str(app.desired.fields[name]) for name in ("platform", "bundle"))
    allowed = "-" if platform == "ios" else ""
    unusual = "".join(each for each in dict.fromkeys(_STRANGE_IN_BUNDLE.findall(bundle)) if each != allowed)
    hint = "look it up in the store: an app with a wrong bundle cannot be corrected, only made again"
    if unusual:
        message = f"holds {_code_points(unusual)}, which no {platform} bundle does"
    elif "" in bundle.split("."):
        message = "has a dot at an end, or two together"
    elif platform == "android" and bundle.isdigit():
        message = "is a number, as of the App Store, and the platform is android"
    elif platform == "ios" and _STORE_NUMBER.fullmatch(bundle):
        message, hint = "is an App Store number with id before it", f"write {bundle[2:]}"
    else:
        return
    about.warning(app.raw.value_place("bundle"), "bundle-form", f"the bundle {quoted(bundle)} {message}", hint)


def _code_points(characters: str) -> str:
    if characters == " " * len(characters):
        return f"{len(characters)} blanks" if len(characters) > 1 else "a blank"
    return " ".join(f"U+{ord(character):04X}" for character in dict.fromkeys(characters[:_NAMED_CHARACTERS]))


def _lint_categories(app: ExpandedApp, about: Reporter) -> None:
    if not app.is_identified:
        return
    known = categories()[str(app.desired.fields["platform"])]
    for name in ("category1", "category2"):
        category = app.desired.fields.get(name)
        if isinstance(category, str) and category not in known:
            message = f"{quoted(category)} is no {app.desired.fields['platform']} category known here"
            about.warning(app.raw.value_place(name), "unknown-category", message, did_you_mean(category, known))


def _lint_reward_url(app: ExpandedApp, about: Reporter) -> None:
    url = app.desired.fields.get("rewardedAdUrl")
    if not isinstance(url, str):
        return
    place = app.raw.value_place("rewardedAdUrl")
    if not url.lower().startswith("https://"):
        about.warning(place, "reward-url", "rewardedAdUrl is not https", "begin it with https://")
    if _USER_MACRO not in url:
        message = f"rewardedAdUrl lacks {_USER_MACRO}"
        about.warning(place, "reward-url", message, "without it your server cannot tell whom to reward")
    if "&amp;" in url:
        about.warning(place, "reward-url", "rewardedAdUrl holds &amp;, as HTML writes it", "write & alone")
    unfit = [each for each in dict.fromkeys(url) if is_unseen(each)]
    if unfit:
        message = f"rewardedAdUrl holds {_code_points(''.join(unfit))}, which no address does"
        about.warning(place, "reward-url", message, "leave it out, or write it as %20 and the like")


def _lint_placement(placement: ExpandedPlacement, app: ExpandedApp, settings: Settings, reporter: Reporter) -> None:
    about = reporter.about(placement.desired.address)
    _lint_name(placement.raw, about, renames=placement.desired.renamed_from is None)
    _lint_address(placement.raw, about)
    fields = placement.desired.fields
    if app.desired.fields.get("coppa") is True and fields.get("coppa") is False:
        message = "the app is directed to children (coppa: true), this placement says it is not"
        about.warning(placement.place_of("coppa"), "coppa-mismatch", message, "write coppa: true")
    skipability = fields.get("skipability")
    if isinstance(skipability, str) and skipability not in KNOWN_SKIPABILITY:
        message = f"the skipability {quoted(skipability)} is not known here"
        hint = did_you_mean(skipability, KNOWN_SKIPABILITY)
        about.warning(placement.place_of("skipability"), "unknown-skipability", message, hint)
    _lint_targeting(placement, about)
    if fields.get("geo") and "floorPrices" in fields:
        _lint_geo_floors(placement, settings, about)


def _lint_targeting(placement: ExpandedPlacement, about: Reporter) -> None:
    fields = placement.desired.fields
    enabled = fields.get("targetingEnabled")
    targets = [name for name in ("geo", "connectivity") if fields.get(name) is not None]
    if bool(targets) is bool(enabled) or placement.is_broken("targetingEnabled", "geo", "connectivity"):
        return
    if targets:
        verb = "count" if targets[1:] else "counts"
        message = f"{' and '.join(targets)} {verb} only with targetingEnabled: true"
        hint = "add targetingEnabled: true" if enabled is None else "write targetingEnabled: true"
        about.error(placement.place_of(targets[0]), "targeting-incomplete", message, hint)
    else:
        message = "targetingEnabled: true needs geo or connectivity"
        about.error(placement.place_of("targetingEnabled"), "targeting-incomplete", message, "add one of them")


def _lint_geo_floors(placement: ExpandedPlacement, settings: Settings, about: Reporter) -> None:
    geo = cast("Mapping[str, object]", placement.desired.fields["geo"])
    countries, includes = frozenset(cast("tuple[str, ...]", geo["countries"])), geo["include"]
    overlay = cast("FieldOverlay", placement.overlay_of("floorPrices"))
    for name in overlay.floor_lines:
        if name in COUNTRIES and (name in countries) is includes:
            continue
        members = (name,) if name in COUNTRIES else settings.country_groups.get(name, ())
        if members and not any((country in countries) is includes for country in members):
            message = f"{name} has a floor, but geo keeps the placement out of it"
            hint = "drop the floor, or let geo include it"
            about.warning(_floor_place(placement, overlay, name), "geo-excludes-floor", message, hint)


def _floor_place(placement: ExpandedPlacement, overlay: FieldOverlay, name: str) -> Place:
    if overlay.file != placement.desired.source.file:
        return placement.raw.place
    return line_place(overlay.raw["floorPrices"], overlay.floor_lines.index(name), name)


def _lint_tiers(upper: ExpandedPlacement, lower: ExpandedPlacement, about: Reporter) -> None:
    above, below = (tier.desired.fields.get("floorPrices") for tier in (upper, lower))
    if not (isinstance(above, Mapping) and isinstance(below, Mapping)) or upper.is_broken("floorPrices"):
        return
    not_below = list(_not_below(cast("Floors", above), cast("Floors", below)))
    if not not_below or lower.is_broken("floorPrices"):
        return
    named = [
        f"{country} ({to_json(under)} against {to_json(over)})" for country, under, over in not_below[:_NAMED_COUNTRIES]
    ]
    more = f" and {len(not_below) - len(named)} more" if len(not_below) > len(named) else ""
    names = [quoted(str(tier.raw["name"])) for tier in (lower, upper)]
    message = f"the floor of tier {names[0]} is not below that of tier {names[1]} in {', '.join(named)}{more}"
    about.error(
        lower.place_of("floorPrices"), "inverted-ladder", message, "order tiers dearest first, in every country"
    )


def _not_below(above: Floors, below: Floors) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Countries in which the lower tier is not cheaper, with its price and the upper's; both at the minimum is fine."""
    for country in sorted({*above, *below}):
        under, over = effective(below, country), effective(above, country)
        if under >= over and not under == over == MINIMUM:
            yield country, under, over
