"""A title and a help text for each code of a finding, as code scanners show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.model.diagnostic import Severity


@dataclass(frozen=True, slots=True)
class FindingRule:
    """`title` names what is wrong, `help` says what to do. `severity` is that of most findings of the code."""

    title: str
    help: str
    severity: Severity = "error"


MANIFEST_RULES: Final[Mapping[str, FindingRule]] = {
    "alias-limit": FindingRule("Aliases expand to too much", "Write the values out, or alias less."),
    "alias-loop": FindingRule("An alias holds itself", "Take the alias out of the block that it names."),
    "bad-key": FindingRule("A key that is no text", "Quote keys that begin with a bracket or a brace."),
    "bad-merge": FindingRule(
        "A merge of something that is no mapping",
        "Point << at an anchored mapping, or a list of such.",
    ),
    "bad-policy": FindingRule("A policy that cannot be used", "Policies have names of their own and rules in CEL."),
    "bad-value": FindingRule("A value that the field does not take", "The message names what is expected."),
    "coppa-mismatch": FindingRule(
        "A placement is less strict than its app",
        "An app directed to children has placements with coppa: true.",
        "warning",
    ),
    "anchor-again": FindingRule(
        "An anchor is given twice",
        "Aliases mean the one that stands last above them: rename one of the two.",
        "warning",
    ),
    "comment-in-value": FindingRule(
        "A value ends at a #",
        "Put quotes around it if what follows belongs to it, else a blank behind the #.",
        "warning",
    ),
    "bundle-form": FindingRule(
        "A bundle that can be no package's",
        "Look it up in the store: an app that is made with a wrong bundle cannot be corrected.",
        "warning",
    ),
    "depth-limit": FindingRule("Nested too deep", "No manifest needs so many levels: look for a missing line."),
    "duplicate-address": FindingRule("Declared twice", "An app, a placement and a tier have one block each."),
    "duplicate-country": FindingRule("A country with two floors", "Keep one line for each country and group."),
    "duplicate-key": FindingRule("A key stands twice in a block", "Keep one of the two; YAML would keep either."),
    "duplicate-pin": FindingRule("Two blocks with one id", "An id of the account belongs to one block."),
    "duplicate-rename": FindingRule("Renamed twice", "One resource cannot become two; keep one renamedFrom."),
    "empty-folder": FindingRule(
        "A folder of manifests with nothing in it",
        "Check the submodule out, or remove the folder. While there is one, nothing is pruned.",
        "warning",
    ),
    "empty-manifest": FindingRule(
        "A manifest that is empty or all comment",
        "Restore it or delete it; `apps: []` says that it is empty on purpose. While there is one, nothing is pruned.",
        "warning",
    ),
    "edit-unsure": FindingRule(
        "An edit after which a manifest would say something else than it should",
        "The file was left as it is: edit it by hand.",
    ),
    "faults-file": FindingRule("A file of faults that cannot be used", "The message names what is expected."),
    "file-too-large": FindingRule("A file too large to be read", "Split it up: no file of a project needs 256 MB."),
    "floor-above-maximum": FindingRule(
        "A floor above the project's limit", "Lower the floor, or raise safety.maxFloor in reconciler.yaml.", "warning"
    ),
    "floor-too-low": FindingRule("A floor below the least", "0.01 USD is the least floor, and counts as none."),
    "geo-excludes-floor": FindingRule(
        "A floor where the placement does not serve", "Drop the floor, or let geo include the country.", "warning"
    ),
    "hidden-character": FindingRule(
        "A character that nobody sees, or that reorders a line",
        "Remove it; in a value write its escape in double quotes.",
        "warning",
    ),
    "inverted-ladder": FindingRule(
        "A waterfall that is not dearest first", "Each tier needs lower floors than the one above it, in every country."
    ),
    "line-break": FindingRule(
        "A character at which some programs end a line",
        "Git and editors do not: remove it, or write its escape in double quotes.",
    ),
    "look-alike": FindingRule(
        "Two blocks that look the same",
        "They differ in case, blanks, dashes or what cannot be seen: drop one, or call it distinct.",
        "warning",
    ),
    "missing-field": FindingRule("A field is missing", "Add the field that the message names."),
    "missing-library": FindingRule(
        "A library that is not installed",
        "Install the extra that the hint names, in CI as well.",
    ),
    "name-ends": FindingRule(
        "A name with blanks at its ends",
        "Nobody sees blanks, control characters and characters without width there: drop them.",
        "warning",
    ),
    "no-manifest": FindingRule(
        "No file matches a pattern of manifests",
        "Look for a typo, another extension, and whether the checkout is whole. While there is one, nothing is pruned.",
        "warning",
    ),
    "name-mixed": FindingRule(
        "A word with letters of two scripts",
        "Cyrillic and Greek letters look like Latin ones, and are others: write it in one script.",
        "warning",
    ),
    "rounded": FindingRule(
        "A price or amount with more decimals than count", "Six decimals are told apart: write no more.", "warning"
    ),
    "name-hidden": FindingRule(
        "A name with characters that nobody sees",
        "They make an address hard to type: leave them out.",
        "warning",
    ),
    "name-slash": FindingRule(
        "A name with a slash", "A slash divides app and placement in addresses: write another sign.", "warning"
    ),
    "no-floors": FindingRule("A placement without floors of its own", "Give it a floorPrices block first."),
    "not-checked-out": FindingRule(
        "A manifest that a sparse checkout leaves out",
        "Check it out with git sparse-checkout. While there is one, nothing is pruned.",
        "warning",
    ),
    "not-a-regular-file": FindingRule(
        "A link, a pipe or a device in a file's place",
        "Put the file itself there. What the link leads to is neither read, shown nor written.",
    ),
    "not-utf8": FindingRule("A file that is not UTF-8", "Save the file as UTF-8."),
    "one-document": FindingRule("More than one document", "Such a file has one YAML document."),
    "unknown-publisher": FindingRule(
        "A publisher id that is not filled in",
        "`reconciler pull --app ID` finds it by the id of an app and writes it. The console shows it under User "
        "Profile, beside the Basic Reporting credentials. The sandbox's is 3432.",
        "warning",
    ),
    "outside-project": FindingRule(
        "A link that leads out of the project",
        "Put the file itself there. Links are read only where they lead to a file of the project.",
    ),
    "own-floors": FindingRule("Floors that stand elsewhere too", "The placement gets a block of its own.", "warning"),
    "rename-chain": FindingRule(
        "Names that are given on from one placement to another",
        "It cannot be told which renames are done: remove renamedFrom where one is, else pin the placements with "
        "placementId, or rename one in each apply.",
    ),
    "rename-declared": FindingRule(
        "A former name that another block has",
        "The placement of that name stays with its block: remove renamedFrom where the rename is done or the placement "
        "is new, else remove the other block.",
        "warning",
    ),
    "reward-url": FindingRule(
        "A reward URL that will not work", "It begins with https:// and holds the macros to be filled in.", "warning"
    ),
    "tag": FindingRule("A YAML tag", "Remove it; quote a value that is to be text."),
    "targeting-incomplete": FindingRule(
        "Targeting of nothing",
        "Declare geo or connectivity, or drop targetingEnabled.",
    ),
    "type-bound-field": FindingRule("A field of another placement type", "Remove it, or change placementType."),
    "unknown-address": FindingRule("No such resource", "The address is in no manifest."),
    "unknown-alias": FindingRule(
        "An alias without its anchor",
        "Anchors stand before their aliases, in the same file.",
    ),
    "unknown-category": FindingRule("A category not known here", "Compare it with the list in the console.", "warning"),
    "unknown-country": FindingRule(
        "No such country or group",
        "Two letters of ISO 3166, WW, or a group of the project.",
    ),
    "unknown-field": FindingRule("A field that does not exist", "Mind the spelling: names are the API's own."),
    "unknown-group": FindingRule("No such country group", "Groups are named in countryGroups of reconciler.yaml."),
    "unknown-skipability": FindingRule("A skipability not known here", "Compare it with the console.", "warning"),
    "unknown-version": FindingRule("A manifest of another version", "This program reads version: 1."),
    "unread-manifest": FindingRule(
        "What looks like a manifest is not read",
        "Add a pattern to manifests in reconciler.yaml, or rename the file. While there is one, nothing is pruned.",
        "warning",
    ),
    "unreadable-file": FindingRule("A file that cannot be read", "The message says why; mind the file's permissions."),
    "variable": FindingRule("A variable", "There are none in manifests: write the value itself."),
    "wrong-type": FindingRule("A value of the wrong type", 'Mind quotes: "1" is text, 1 is a number.'),
    "yaml-syntax": FindingRule("Not valid YAML", "The message names the place where reading ended."),
}  # fmt: skip

PLAN_RULES: Final[Mapping[str, FindingRule]] = {
    "plan-refused": FindingRule(
        "Apply would refuse the plan",
        "A safety limit or a policy is exceeded. The message names the switch that would allow it.",
    ),
    "plan-warned": FindingRule("A policy warns", "The plan passes; somebody should look.", "warning"),
    "plan-blocked": FindingRule("Declared, but cannot be done", "The message ends with what can be done about it."),
    "plan-held": FindingRule(
        "A delete waits",
        "It waits for leave or for a time, which the message names, and holds up nothing else.",
        "warning",
    ),
    "plan-delete": FindingRule(
        "A resource will be deleted for good", "Make sure that nothing serves it any more.", "warning"
    ),
    "plan-deactivate": FindingRule("A resource will be taken off the air", "It earns nothing from then on.", "warning"),
}

RULES: Final[Mapping[str, FindingRule]] = {**MANIFEST_RULES, **PLAN_RULES}


def rule_of(code: str) -> FindingRule:
    """The rule behind a code; one that is not described is called by its name."""
    return RULES.get(code, FindingRule(code.replace("-", " ").capitalize(), "The message says what is wrong."))
