"""Odd files and checkouts: what is misread, left out or switched off is told with its place, and nothing is sent."""

import re

import pytest
from support.command import ONE_APP, SETTINGS

APP = ONE_APP + "    placements:\n"
PLACEMENT = "      - {{name: {0}, placementType: Interstitial{1}}}\n"
A = APP + PLACEMENT.format("level_end", ", floorPrices: {US: 1}")
B = "version: 1\napps:\n  - {platform: android, bundle: com.b, name: B, category1: Finance, coppa: false}\n"
CONFLICT = f"<<<<<<< HEAD\n{A}=======\n{B}>>>>>>> branch\n"
PRUNED = SETTINGS + "prune: deactivate\nsafety: {maxChangePercent: 100}\n"


def renamed(new, former):
    return {"apps/a.yaml": APP + PLACEMENT.format(new, f", renamedFrom: {former}")}


def moved(name):
    return {"apps/a.yaml": None, name: A}


HELD, BLOCKED = "Held (1), nothing of it is sent", "1 blocked"
LATER = {
    "an empty manifest": ({"apps/a.yaml": ""}, 0, [HELD, "apps/a.yaml:1:1: warning: ", "[empty-manifest]"]),
    "nothing but comments": ({"apps/a.yaml": "# apps:\n#  - platform: android\n"}, 0, [HELD, "[empty-manifest]"]),
    "nothing but blanks": ({"apps/a.yaml": " \n\n  \n"}, 0, [HELD, "[empty-manifest]"]),
    "an empty document": ({"apps/a.yaml": "%YAML 1.2\n--- # none\n...\n"}, 0, [HELD, "[empty-manifest]"]),
    "null": ({"apps/a.yaml": "~\n"}, 0, [HELD, "[empty-manifest]"]),
    "a byte order mark alone": ({"apps/a.yaml": b"\xef\xbb\xbf"}, 0, [HELD, "[empty-manifest]"]),
    "NUL bytes": ({"apps/a.yaml": b"\0" * 512}, 1, ["apps/a.yaml:1:1: ", "U+0000"]),
    "UTF-16": ({"apps/a.yaml": A.encode("utf-16")}, 1, ["apps/a.yaml:1:1: ", "save the file as UTF-8"]),
    "a conflict in a manifest": ({"apps/a.yaml": CONFLICT}, 1, ["apps/a.yaml:1:1: ", "merge conflict"]),
    "a backup alone": (moved("apps/a.yaml.bak"), 0, [HELD, "apps/a.yaml.bak:1:1: ", "rename it to apps/a.yaml"]),
    "an .orig alone": (moved("apps/a.yaml.orig"), 0, [HELD, "[unread-manifest]"]),
    "a disabled one": (moved("apps/a.yml.disabled"), 0, [HELD, "rename it to apps/a.yml"]),
    "an editor's copy alone": (moved("apps/a.yaml~"), 0, [HELD, "[unread-manifest]"]),
    "a hidden one": (moved("apps/.a.yaml"), 0, [HELD, "[unread-manifest]"]),
    "a blank behind the name": (moved("apps/a.yaml "), 0, [HELD, "[unread-manifest]"]),
    "a typo in the ending": (moved("apps/sub/a.ymal"), 0, [HELD, "rename it to apps/sub/a.yaml"]),
    "another ending": (moved("apps/a.txt"), 0, [HELD, "[unread-manifest]"]),
    "a template of it": (moved("apps/a.yaml.j2"), 0, [HELD, "[unread-manifest]"]),
    "a new case of the name": (moved("apps/A.yaml"), 0, ["No changes"]),
    "a folder renamed within": (moved("apps/old/new/a.yml"), 0, ["No changes"]),
    "two files made one": ({"apps/a.yaml": None, "apps/b.yaml": A + B.partition("apps:\n")[2]}, 0, ["No changes"]),
    "Windows line ends": ({"apps/a.yaml": A.replace("\n", "\r\n")}, 0, ["No changes"]),
    "a former name with a typo": (renamed("menu", "level_emd"), 3, [BLOCKED, "suspected rename of 'level_end'"]),
    "a former name with a blank": (renamed("menu", "'level_end '"), 3, [BLOCKED, "renamedFrom: level_end"]),
    "a former name in capitals": (renamed("menu", "LEVEL_END"), 3, [BLOCKED, "renamedFrom: level_end"]),
    "an address as former name": (renamed("menu", "'android:com.a/level_end'"), 3, [BLOCKED, "renamedFrom: level_end"]),
}  # fmt: skip


@pytest.fixture
def applied(project):
    """A project with two apps in two files, both applied, that takes off the air what leaves them."""
    project.write("reconciler.yaml", PRUNED)
    project.write("apps/a.yaml", A)
    project.write("apps/b.yaml", B)
    assert project.call("apply", "--yes").code == 0
    return project


def put(project, files):
    for name, text in files.items():
        if text is None:
            (project.root / name).unlink()
        else:
            project.write(name, text)


def says(done, *words):
    """Assert that all is told, and nothing in the words of Python."""
    told = done.out + done.err
    assert [each for each in words if each not in told] == [], told
    assert "Traceback" not in told
    assert re.findall(r"[A-Z][a-z]+(?:Error|Exception)\b", told) == []


@pytest.mark.parametrize(("files", "code", "words"), LATER.values(), ids=LATER)
def test_what_vanishes_from_the_manifests_by_mistake_stays_as_it_is(applied, rival, files, code, words):
    put(applied, files)
    before = len(rival.writes)
    done = applied.call("apply", "--yes")
    says(done, *words)
    assert done.code == code
    assert rival.writes[before:] == []
    assert applied.call("drift").code in (0, 1 if code == 1 else 0)


def placed(fields, head=APP):
    return {"apps/a.yaml": head + PLACEMENT.format("p", f", {fields}")}


def named(name):
    return {"apps/a.yaml": APP + PLACEMENT.format(name, "")}


def app(old, new):
    return {"apps/a.yaml": ONE_APP.replace(old, new)}


def rewarded(url):
    return app("coppa", f"rewardedAdUrl: '{url}'\n    coppa")


def bundle(text):
    return app("com.a", text)


def set_to(more):
    return {"reconciler.yaml": SETTINGS + more + "\n", "apps/a.yaml": A}


def identified(publisher):
    return {"reconciler.yaml": f"version: 1\npublisherId: {publisher}\n", "apps/a.yaml": A}


TWICE = "version: 1\nx-f: &f {US: 1}\nx-g: &f {US: 2}\n"
WARNED, AT = 0, "apps/a.yaml:9:"
FRESH = {
    "a bundle with what nobody sees": (bundle('"com.a\\u200b"'), WARNED, ["apps/a.yaml:4:13: ", "U+200B"]),
    "a bundle that is read from the right": (bundle('"com\\u200f.a"'), WARNED, ["U+200F", "[bundle-form]"]),
    "a bundle with a letter that looks like another": (bundle("\u0441om.a"), WARNED, ["U+0441", "[bundle-form]"]),
    "a bundle in letters of double width": (bundle("\uff43om.a"), WARNED, ["U+FF43", "[bundle-form]"]),
    "a bundle with a dot behind": (bundle("com.a."), WARNED, ["has a dot at an end"]),
    "a day for a bundle": (bundle("2026-12-31"), WARNED, ["U+002D", "[bundle-form]"]),
    "a store number for Android": (bundle("123456789"), WARNED, ["the platform is android"]),
    "true for a bundle": (bundle("true"), 1, ["apps/a.yaml:4:13: bundle is true"]),
    "a blank behind an address": (rewarded("https://x.y/{{USER_ID}} "), WARNED, ["a blank"]),
    "an address out of HTML": (rewarded("https://x.y/{{USER_ID}}&amp;b"), WARNED, ["&amp;"]),
    "a number for a flag": (app("coppa: false", "coppa: 0"), 1, ["apps/a.yaml:7:12: ", "write true or false"]),
    "a name with a mark of direction": (app("name: A", 'name: "A\\u200eB"'), WARNED, ["U+200E", "[name-hidden]"]),
    "a name in two scripts": (named("\u0456nt"), WARNED, [AT, "U+0456", "[name-mixed]"]),
    "a pin in digits of double width": (placed("placementId: '\uff11\uff12'"), 1, [AT, "no characters but ASCII's"]),
    "a country with a blank": (placed("floorPrices: {'US ': 1}"), 1, [AT, "did you mean US?"]),
    "a country of double width": (placed("floorPrices: {\uff35\uff33: 1}"), 1, [AT, "did you mean US?"]),
    "a country with a Cyrillic letter": (placed("floorPrices: {U\u0405: 1}"), 1, [AT, "U+0405"]),
    "ON is no country": (placed("floorPrices: {ON: 1}"), 1, [AT, '"ON" is no ISO 3166 alpha-2 country']),
    "a price of double width": (placed("floorPrices: {US: \uff11.\uff15}"), 1, [AT, "write 1.5, in plain digits"]),
    "a day for a price": (placed("floorPrices: {US: 2026-12-31}"), 1, [AT, "digits and a decimal point"]),
    "negative zero": (placed("floorPrices: {US: -0.0}"), 1, [AT, "the least floor is 0.01"]),
    "an exponent below the least": (placed("floorPrices: {US: 1e-3}"), 1, [AT, "0.001; the least floor is 0.01"]),
    "more decimals than count": (placed("floorPrices: {US: 1.23456789}"), WARNED, [AT, "is taken as 1.234568"]),
    "two lists in each other": (placed("floorPrices: [[{country: US, price: 1}]]"), 1,
                                [AT, "floorPrices[0] is a list"]),
    "a limit beyond reckoning": (placed("capping: {value: 99999999999999999999, unit: day}"), 1, [AT, "the most is"]),
    "off where null is meant": (placed("capping: off"), 1, [AT, "write null to turn it off"]),
    "false where null is meant": (placed("geo: false"), 1, [AT, "write null to turn it off"]),
    "no types of creatives": (placed("creativeTypes: ~"), 1, [AT, "write a value, or remove the line"]),
    "drift of a country in lower case": (placed("lifecycle: {acceptDrift: [{field: floorPrices.us, reason: x}]}"), 1,
                                         [AT, "did you mean US?"]),
    "drift of a group": (placed("lifecycle: {acceptDrift: [{field: floorPrices.tier1, reason: x}]}"), 1,
                         [AT, "name each country"]),
    "an unknown part of a block": (placed("lifecycle: {ignoreChanges: [geo.inclde]}"), 1,
                                   [AT, "did you mean include?"]),
    "a part of what has none": (placed("lifecycle: {ignoreChanges: [status.x]}"), 1, [AT, "name status as a whole"]),
    "a day that there is not": (placed("lifecycle: {acceptDrift: [{field: status, reason: x, until: 2026-02-30}]}"), 1,
                                [AT, "there is no such day"]),
    "another version of YAML": ({"apps/a.yaml": "%YAML 2.0\n---\n" + A}, 1,
                                ["apps/a.yaml:1:1: ", "another version of YAML"]),
    "an anchor that is given again": (placed("floorPrices: *f", TWICE + APP[11:]),
                                      WARNED, ["apps/a.yaml:3:6: ", "[anchor-again]"]),
    "a name that ends at a #": (app("name: A", "name: Level #1"), WARNED, ["apps/a.yaml:5:17: ", '"Level"']),
    "a manifest of Kubernetes": ({"apps/a.yaml": "apiVersion: apps/v1\nkind: Deployment\n"}, 1,
                                 ["apps/a.yaml:1:1: apps is missing"]),
    "a file of docker compose": ({"apps/a.yaml": "services:\n  web: {image: x}\n"}, 1, ["apps/a.yaml:1:1: "]),
    "a second end of a document": ({"apps/a.yaml": A + "...\n  - platform: ios\n"}, 1, ["apps/a.yaml:11:3: "]),
    "a limit with a typo": (set_to("safety: {maxDelete: 0}"), 1,
                            ["reconciler.yaml:3:10: ", "did you mean maxDeletes?"]),
    "settings in two documents": (set_to("---\nsafety: {maxDeletes: 0}"), 1, ["reconciler.yaml:4:1: "]),
    "a conflict in the settings": (set_to("<<<<<<< HEAD\nprune: delete\n=======\n>>>>>>> x"), 1,
                                   ["reconciler.yaml:3:1: ", "merge conflict"]),
    "no list of manifests": (set_to("manifests:"), 1, ["reconciler.yaml:3:11: ", "write a value, or remove the line"]),
    "a pattern that leaves out": (set_to("manifests: [apps/*.yaml, '!apps/a.yaml']"), 1,
                                  ["reconciler.yaml:3:26: ", "no pattern leaves files out"]),
    "a share of a network": (set_to(r"manifests: ['\\srv\apps\*.yaml']"), 1, ["reconciler.yaml:3:13: "]),
    "groups that look alike": (set_to("countryGroups: {tier1: [US], Tier1: [CA]}"), WARNED, ["reconciler.yaml:3:30: "]),
    "a publisher with what nobody sees": (identified('"3432\\u200b"'), 1, ["reconciler.yaml:2:14: ", "ASCII"]),
    "a publisher of double width": (identified('"\uff13\uff14"'), 1, ["reconciler.yaml:2:14: ", "ASCII"]),
    "a publisher with a fraction": (identified("3432.0"), 1, ["reconciler.yaml:2:14: "]),
}  # fmt: skip


@pytest.mark.parametrize(("files", "code", "words"), FRESH.values(), ids=FRESH)
def test_what_is_written_oddly_is_told_with_its_place_before_anything_is_asked(project, rival, files, code, words):
    put(project, files)
    done = project.call("validate")
    says(done, *words)
    assert (done.code, project.call("validate", "--strict").code) == (code, 1)
    if code:
        assert project.call("apply", "--yes").code == code
    assert rival.asked == []


def rows(change):
    """Another text of the ledger, line by line."""
    return lambda text: "".join(change(text.splitlines(keepends=True)))


def other(old, new):
    return lambda text: text.replace(old, new)


LEDGER = {
    "the base of a conflict": (rows(lambda it: [it[0], "||||||| base\n", *it[1:]]), "lock:2: a git merge conflict"),
    "an empty line": (rows(lambda it: [it[0], "\n", *it[1:]]), "lock:2: the line is not a ledger entry: it is empty"),
    "an empty line at the end": (lambda it: it + "\r\n", "lock:5: the line is not a ledger entry: it is empty"),
    "a line that is there twice": (rows(lambda it: [*it, it[-1]]), "both say the same: delete one"),
    "a line that says otherwise": (rows(lambda it: [*it, it[-1].replace('id":"5', 'id":"6')]),
                                   "says otherwise on line 4"),
    "a pointer of Git LFS": (lambda _: "version https://git-lfs.github.com/spec/v1\n", "lock:1: this is a pointer"),
    "a first line that is there twice": (rows(lambda it: [it[0], *it]), "lock:2: a second line that says whose"),
    "another account": (other('"publisherId":"3432"', '"publisherId":"9"'), "belongs to publisher 9"),
    "a newer format": (other("ledger/2", "ledger/3"), "reads reconciler.ledger/2 at most"),
    "an id of double width": (other('"id":"5', '"id":"\uff15'), "an id with characters that no id has"),
    "a list of the lines": (lambda it: "[" + it.replace("\n", ",") + "]\n", "lock:1: the line is not a ledger entry"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "told"), LEDGER.values(), ids=LEDGER)
def test_an_odd_ledger_stops_the_run_with_the_line_and_is_left_as_it_is(applied, rival, change, told):
    before = applied.write("reconciler.lock", change(applied.read("reconciler.lock"))).read_bytes()
    rival.asked.clear()
    for command in (["plan"], ["apply", "--yes"], ["drift"], ["pull", "--check"]):
        done = applied.call(*command)
        says(done, "reconciler.lock", told, "hint: ")
        assert done.code == 1
    assert rival.writes == []
    assert (applied.root / "reconciler.lock").read_bytes() == before


SOUND = {
    "Windows line ends": lambda it: it.replace("\n", "\r\n").encode(),
    "a byte order mark": lambda it: b"\xef\xbb\xbf" + it.encode(),
    "another order": rows(lambda it: [it[0], *it[:0:-1]]),
    "ids as numbers": lambda it: re.sub(r'"id":"(\d+)"', r'"id":\1', it),
}


@pytest.mark.parametrize("change", SOUND.values(), ids=SOUND)
def test_a_ledger_that_is_only_written_otherwise_is_read(applied, change):
    applied.write("reconciler.lock", change(applied.read("reconciler.lock")))
    assert [applied.call(*command).code for command in (["plan", "--detailed-exitcode"], ["drift"])] == [0, 0]


JOURNAL = {
    "UTF-16": lambda it: it.decode().encode("utf-16"),
    "a conflict": lambda it: it.replace(b"\n", b"\n<<<<<<< HEAD\n", 1) + b"=======\n>>>>>>> x\n",
    "half a line": lambda it: it[:-9],
}


@pytest.mark.parametrize("change", JOURNAL.values(), ids=JOURNAL)
def test_lines_of_a_journal_that_cannot_be_read_are_counted(applied, change):
    path = applied.root / ".reconciler/journal.jsonl"
    path.write_bytes(change(path.read_bytes()))
    done = applied.call("history")
    says(done, "of the journal cannot be read", "the first is line ")
    assert done.code == 0


def test_a_manifest_that_is_read_by_a_link_is_read(applied):
    (applied.root / "apps/a.yaml").rename(applied.write("shared/a.yaml", ""))
    (applied.root / "apps/a.yaml").symlink_to("../shared/a.yaml")
    assert applied.call("validate", "--strict").code == 0


def test_a_former_name_that_nothing_has_is_told(applied):
    put(applied, {"apps/a.yaml": A + PLACEMENT.format("menu", ", renamedFrom: shop")})
    done = applied.call("plan")
    says(done, "no placement of the app is called 'shop', which renamedFrom names")
    assert done.code == 0
