"""Odd files and checkouts: what is misread, left out or switched off is told with its place, and nothing is sent."""

import re

import pytest
from support.command import ONE_APP, SETTINGS

APP = ONE_APP + "    placements:\n"
PLACEMENT = "      - {{name: {0}, placementType: Interstitial{1}}}\n"
A = APP + PLACEMENT.format("level_end", ", floorPrices: {US: 1}")
B = "version: 1\napps:\n  - {platform: android, bundle: com.b, name: B, category1: Finance, coppa: false}\n"
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
    "a conflict in a manifest": ({"apps/a.yaml": f"<<<<<<< HEAD\n{A}=======\n{B}>>>>>>> x\n"}, 1, ["apps/a.yaml:1:1: ", "merge conflict"]),
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
