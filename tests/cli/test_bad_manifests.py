"""What cannot be meant is refused with a place and a hint, before anything is asked of the API."""

import time

import pytest
from support.command import ONE_APP as HEAD

PLACEMENT = HEAD + "    placements:\n      - name: int\n        placementType: Interstitial\n        coppa: false\n"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)

BAD = {
    "an unknown field of an app": (HEAD + "    catgory2: Business\n", 8, "category2"),
    "an unknown field of a placement": (PLACEMENT + "        florPrices: {WW: 1}\n", 12, "floorPrices"),
    "an unknown top key": ("version: 1\nappz: []\n", 2, "apps"),
    "a floor that is not a number": (PLACEMENT + "        floorPrices: {WW: .nan}\n", 12, ""),
    "an infinite floor": (PLACEMENT + "        floorPrices: {WW: .inf}\n", 12, ""),
    "a floor in words": (PLACEMENT + "        floorPrices: {WW: much}\n", 12, ""),
    "a negative floor": (PLACEMENT + "        floorPrices: {WW: -1}\n", 12, ""),
    "an unknown country": (PLACEMENT + "        floorPrices: {UK: 1}\n", 12, "GB"),
    "a duplicate key": (HEAD + "    coppa: true\n", 8, ""),
    "a duplicate placement": (PLACEMENT + "      - {name: int, placementType: Banner}\n", 12, ""),
    "an unknown placement type": (HEAD + "    placements: [{name: a, placementType: Banr}]\n", 8, "Banner"),
    "a boolean in quotes": (HEAD.replace("coppa: false", 'coppa: "no"'), 7, ""),
    "an alias bomb": (BOMB, None, ""),
    "an alias to itself": ("version: 1\napps: &a [*a]\n", 2, ""),
    "an unknown alias": ("version: 1\napps: *nothing\n", 2, ""),
    "a tag": ("version: 1\napps: !!python/object/apply:os.system [echo]\n", 2, ""),
    "a tag of one's own": (HEAD + "    category2: !secret x\n", 8, ""),
    "a tab": ("version: 1\napps:\n\t- platform: android\n", 3, "spaces"),
    "lists nested 5,000 deep": ("version: 1\napps: " + "[" * 5000 + "]" * 5000 + "\n", 2, ""),
    "mappings nested 5,000 deep": ("version: 1\napps: " + "{a: " * 5000 + "}" * 5000 + "\n", 2, ""),
    "blocks nested 5,000 deep": ("- " * 5000 + "x\n", 1, ""),
    "what never ends": ("version: 1\napps: [\n", None, ""),
    "a list": ("- 1\n", 1, ""),
    "a word": ("hello\n", 1, ""),
    "no version": ("apps: []\n", 1, "version"),
    "another version": ("version: 2\napps: []\n", 1, ""),
    "not UTF-8": (b"version: 1\napps:\n  - name: \xff\xfe\n", 3, ""),
    "UTF-16": ("version: 1\n".encode("utf-16"), 1, "UTF-8"),
    "a control character": (b"version: 1\napps: [\x00]\n", 2, ""),
    "a lone surrogate": (HEAD + '    category2: "\\ud800"\n', 8, ""),
    "targeting with neither": (PLACEMENT + "        targetingEnabled: true\n", 12, ""),
    "geo without targeting": (PLACEMENT + "        geo: {include: true, countries: [US]}\n", 12, "targetingEnabled"),
    "a banner field of an interstitial": (PLACEMENT + "        bannerRefresh: 45\n", 12, ""),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "hint"), BAD.values(), ids=BAD)
def test_a_bad_manifest_ends_with_its_place_and_without_a_request(project, rival, text, line, hint):
    project.write("apps/bad.yaml", text)
    began = time.monotonic()
    done = project.call("apply", "--yes")
    assert time.monotonic() - began < 5
    assert done.code == 1
    assert done.out == ""
    told = [each for each in done.err.splitlines() if each.startswith(f"apps/bad.yaml:{line or ''}")]
    assert told, done.err
    assert "Traceback" not in done.err
    assert "[" in told[0]
    assert hint in done.err
    assert rival.asked == []
    assert not (project.root / ".reconciler").exists()


@pytest.mark.parametrize("name", ["an alias bomb", "lists nested 5,000 deep", "not UTF-8"])
def test_it_ends_like_that_in_a_process_of_its_own_too(project, rival, name):
    project.write("apps/bad.yaml", BAD[name][0])
    done = project.call("validate")
    assert (done.code, "apps/bad.yaml:" in done.out, "Traceback" in done.err) == (1, True, False)
    assert rival.asked == []


def test_all_findings_of_all_files_are_told_at_once_with_stable_codes(project):
    for number, name in enumerate(["a duplicate key", "an unknown country", "a tag", "not UTF-8"]):
        project.write(f"apps/{number}.yaml", BAD[name][0])
    done = project.call("validate", "--format", "json")
    assert done.code == 1
    findings = done.json["findings"]
    assert done.json["format"] == "reconciler.findings/1"
    assert {each["file"] for each in findings} == {f"apps/{number}.yaml" for number in range(4)}
    keys = {"file", "line", "column", "address", "severity", "code", "message", "hint"}
    assert all(set(each) == keys for each in findings)
    assert all(each["line"] >= 1 and each["column"] >= 1 and each["code"] for each in findings)


def test_a_warning_is_shown_and_fails_only_when_it_is_to(project):
    project.write("apps/a.yaml", HEAD.replace("Finance", "Finanse"))
    done = project.call("validate")
    assert done.code == 0
    assert "warning" in done.out
    assert "Finance" in done.out
    assert project.call("validate", "--strict").code == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("version: 1\n", "publisherId"),
        ("version: 1\npublisherId: 3432\npublisherid: 1\n", "publisherId"),
        ("", "empty"),
        ("version: 1\npublisherId: '1'\nsafety: {maxDeletes: -1}\n", "maxDeletes"),
        ("version: 1\npublisherId: '1'\nmanifests: [../**/*.yaml]\n", "pattern"),
        ("version: 1\npublisherId: '1'\nmanifests: ['']\n", ""),
        ("version: 1\npublisherId: '1'\nmanifests: ['apps/**.yaml']\n", ""),
        (b"\xff\xff", "UTF-8"),
    ],
)
def test_bad_settings_end_with_their_place_and_without_a_request(project, rival, settings, told):
    project.write("reconciler.yaml", settings)
    done = project.call("plan")
    assert done.code == 1
    assert "reconciler.yaml:" in done.err
    assert told in done.err
    assert rival.asked == []


def test_settings_that_cannot_be_read_hide_nothing_of_the_manifests(project):
    project.write("reconciler.yaml", "version: 1\npublisherId: [\n")
    project.write("apps/a.yaml", PLACEMENT + "        florPrices: {WW: 1, tier1: 2}\n        geo: {x: 1}\n")
    project.write("apps/b.yaml", HEAD)
    done = project.call("validate", "--format", "json")
    assert done.code == 1
    assert {(each["file"], each["code"]) for each in done.json["findings"]} == {
        ("reconciler.yaml", "yaml-syntax"),
        ("apps/a.yaml", "unknown-field"),
        ("apps/b.yaml", "duplicate-address"),
    }


def test_what_is_wrong_in_one_file_hides_nothing_of_others_or_of_itself(project):
    project.write("apps/a.yaml", PLACEMENT + "        floorPrices: {XX: 1}\n      - {name: int, placementType: Baner\n")
    project.write("apps/b.yaml", HEAD.replace("com.a", "com.A"))
    done = project.call("validate", "--format", "json")
    assert done.code == 1
    codes = {(each["file"], each["code"]) for each in done.json["findings"]}
    assert codes >= {
        ("apps/a.yaml", "yaml-syntax"),
        ("apps/a.yaml", "unknown-country"),
        ("apps/b.yaml", "look-alike"),
    }
