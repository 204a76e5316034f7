"""The cache recalls what this copy of it was given, and nothing else, whatever happens to its files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.secret import Secret
from reconciler.store.seal import Cache, portable_build, this_build

PACKAGE = Path(__file__).parents[3] / "reconciler"
SECRET = Secret("a secret of the jobs alone")
ENTRIES = {b"%064d" % number: b"[%d]" % number * number for number in range(4)}


@pytest.fixture
def folder(tmp_path):
    return tmp_path.resolve() / ".reconciler" / "cache"


def filled(folder, entries=ENTRIES, secret=None):
    made = Cache(folder, secret)
    for key, data in entries.items():
        made.put(key, data)
    made.save()
    return folder / ("manifests" if secret is None else "portable")


def recalled(folder, secret=None, **how):
    found = Cache(folder, secret, **how)
    return {key: data for key in ENTRIES if (data := found.get(key)) is not None}


def test_what_was_saved_is_recalled(folder):
    filled(folder)
    assert recalled(folder) == ENTRIES
    assert Cache(folder).get(b"x" * 64) is None


@pytest.mark.parametrize("secret", [None, SECRET])
def test_any_byte_that_changes_costs_a_record_at_most_those_behind_it(folder, secret):
    file = filled(folder, secret=secret)
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        left = recalled(folder, secret)
        assert left.items() < ENTRIES.items()


def test_a_file_cut_short_anywhere_keeps_what_is_whole(folder):
    file = filled(folder)
    whole = file.read_bytes()
    for end in range(len(whole) - 1):  # the last line break is none of a line's content
        file.write_bytes(whole[:end])
        assert recalled(folder).items() < ENTRIES.items()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_a_file_of_anything_recalls_nothing(folder, content):
    filled(folder).write_bytes(content)
    assert recalled(folder) == {}


def test_what_was_lost_is_made_again(folder):
    filled(folder).write_bytes(b"garbage")
    filled(folder)
    assert recalled(folder) == ENTRIES


def test_a_cache_that_came_from_elsewhere_is_not_believed(folder, tmp_path):
    """As a commit, an archive or a copy would bring it: with the key, but not as the file that the key was."""
    filled(folder)
    copied = tmp_path / "other" / "cache"
    shutil.copytree(folder, copied, copy_function=shutil.copy2)
    assert recalled(copied) == {}


def test_a_key_that_is_a_link_is_none(folder, tmp_path):
    filled(folder)
    (folder / "key").rename(tmp_path / "key")
    (folder / "key").symlink_to(tmp_path / "key")
    assert recalled(folder) == {}


def test_what_another_build_kept_is_not_recalled(folder):
    filled(folder)
    assert recalled(folder, build="another") == {}


def test_records_in_another_order_are_recalled_and_none_under_the_key_of_another(folder):
    file = filled(folder, dict(list(ENTRIES.items())[:1]))
    first = file.read_bytes()
    file.write_bytes(first.replace(b"0 ", b"1 ", 1) + first)
    assert recalled(folder) == {b"%064d" % 0: b""}


def test_only_what_a_load_used_is_kept(folder):
    filled(folder)
    later = Cache(folder)
    kept, new = list(ENTRIES)[1], b"n" * 64
    later.get(kept)
    later.put(new, b"new")
    later.save()
    assert list(recalled(folder)) == [kept]
    assert Cache(folder).get(new) == b"new"


def test_nothing_is_written_where_nothing_is_new(folder):
    file = filled(folder)
    before = file.stat().st_mtime_ns
    again = Cache(folder)
    again.get(next(iter(ENTRIES)))
    again.save()
    assert file.stat().st_mtime_ns == before


def test_the_least_is_kept_and_nothing_is_written_for_nothing(folder):
    small = Cache(folder)
    small.save()
    assert not folder.parent.exists()
    small.put(b"l" * 64, b"x")
    small.save()
    assert Cache(folder).get(b"l" * 64) == b"x"


def test_two_runs_that_save_leave_what_one_of_them_knew(folder):
    one, other = Cache(folder), Cache(folder)
    for run, data in ((one, b"one"), (other, b"other")):
        for key in ENTRIES:
            run.put(key, data)
    one.save()
    other.save()
    assert set(recalled(folder).values()) == {b"other"}


def test_what_a_killed_run_left_goes(folder):
    filled(folder)
    (folder / ".manifests.4711.tmp").write_bytes(b"half")
    filled(folder, {b"k" * 64: b"new"})
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "key", "manifests"]


def test_it_is_text_that_anybody_can_look_at(folder):
    assert filled(folder).read_text().splitlines()[3].endswith(" [3][3][3]")


def test_git_is_told_to_leave_it_alone(folder):
    filled(folder)
    assert (folder / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("taken", ["cache", "cache/key", "cache/manifests", "cache/.gitignore"])
def test_a_place_that_is_taken_only_means_that_nothing_is_kept(folder, taken):
    place = folder.parent / taken
    place.parent.mkdir(parents=True)
    if taken == "cache":
        place.write_text("a file")
    else:
        place.mkdir()
    filled(folder)
    assert recalled(folder) in ({}, ENTRIES)


def carried(folder, tmp_path):
    place = tmp_path / "other" / "cache"
    shutil.copytree(folder, place)
    return place.resolve()


def test_what_a_secret_sealed_is_recalled_wherever_the_secret_is(folder, tmp_path):
    filled(folder, secret=SECRET)
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "portable"]
    there = carried(folder, tmp_path)
    assert recalled(there, SECRET) == ENTRIES
    assert recalled(there, Secret(SECRET.reveal() + "!")) == {}
    assert recalled(there, SECRET, build="another") == {}
    assert recalled(there) == {}


def test_what_a_secret_sealed_and_what_a_checkout_did_are_two_caches(folder):
    """Whoever can write here cannot have one believed as the other, whatever its name."""
    filled(folder)
    filled(folder, {b"k" * 64: b"new"}, secret=SECRET)
    assert (recalled(folder), recalled(folder, SECRET)) == (ENTRIES, {})
    shutil.copy(folder / "manifests", folder / "portable")
    assert recalled(folder, SECRET) == {}
    filled(folder, secret=SECRET)
    shutil.copy(folder / "portable", folder / "manifests")
    assert recalled(folder) == {}


def test_a_line_that_others_sealed_is_not_recalled(folder):
    file = filled(folder, {b"%064d" % 1: b"[6]"}, secret=Secret("what somebody else has thought of"))
    assert recalled(folder, SECRET) == {}
    forged = file.read_bytes()
    ours = filled(folder, {b"%064d" % 2: b"[7]"}, secret=SECRET)
    ours.write_bytes(forged + ours.read_bytes())
    assert recalled(folder, SECRET) == {b"%064d" % 2: b"[7]"}


def build_of(place):
    """The build that a copy of the program says it is; what is not in the copy's folder is as it is here."""
    code = "from reconciler.store.seal import portable_build; print(portable_build())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=place, env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.removesuffix("\n")


def test_a_build_is_the_same_wherever_it_is_installed_and_another_where_it_reads_otherwise(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    same = portable_build()
    assert build_of(tmp_path) == same != this_build()
    assert str(PACKAGE) not in same
    module = tmp_path / "reconciler" / "manifest" / "load.py"
    module.write_text(module.read_text() + "# changed\n")
    assert build_of(tmp_path) not in {same, ""}


def test_a_library_of_another_version_is_another_build_and_one_of_none_is_good_here_alone(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(yaml.__file__).parent, tmp_path / "yaml")
    assert str(tmp_path) in build_of(tmp_path)
    (tmp_path / "PyYAML-6.0.0.dist-info").mkdir()
    other = build_of(tmp_path)
    assert "pyyaml-6.0.0" in other.splitlines()
    assert str(tmp_path) not in other
    assert other != portable_build()
    (tmp_path / "pyyaml-6.0.1.dist-info").mkdir()
    assert str(tmp_path) in build_of(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="needs a device without an end")
def test_a_link_to_an_endless_device_is_not_read(folder):
    file = filled(folder)
    file.unlink()
    file.symlink_to("/dev/zero")
    assert recalled(folder) == {}


@pytest.mark.parametrize("link", [".reconciler", ".reconciler/cache"])
def test_nothing_is_written_through_a_link_that_leads_elsewhere(folder, tmp_path, link):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = folder.parents[1] / link
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(elsewhere)
    filled(folder)
    assert list(elsewhere.iterdir()) == []
