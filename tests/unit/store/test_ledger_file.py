import json
from decimal import Decimal
from pathlib import Path

import pytest
from support.ledgers import read_ledger

from reconciler.errors import StoreError
from reconciler.model.address import Address
from reconciler.model.ledger import LedgerEntry
from reconciler.store.ledger_file import ledger_text, write_atomically

APP = Address("android:com.a")


def entry(address, **more):
    return LedgerEntry(Address(address), more.pop("id", "1"), more.pop("applied", {"status": "active"}), **more)


def ledger_of(*entries):
    return {each.address: each for each in entries}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reconciler.lock"


def test_a_ledger_that_is_not_there_is_none_and_an_empty_one_has_no_entries(path):
    assert read_ledger(path) is None
    path.write_text("")
    assert read_ledger(path) == {}


def test_what_is_written_is_read_back_whole(path):
    floors = {"WW": Decimal("0.01"), "US": Decimal("1.2")}
    ledger = ledger_of(
        entry("android:com.a", protect=True, orphaned=True, inactive_since="2026-11-21T19:00:00+00:00"),
        entry("android:com.a/x", id="7", applied={"floorPrices": floors, "geo": None}, unconfirmed=frozenset({"geo"})),
    )
    write_atomically(path, ledger_text(ledger))
    assert read_ledger(path) == ledger


@pytest.mark.parametrize(
    "name", ["a\u2028b", "a\u2029b", "a\x85b", "a\x0bb\x0cc\x1cd", "a\nb\rc", 'quo"te/slash\\', "名前 🎮", ""]
)
def test_no_name_breaks_a_line(path, name):
    ledger = ledger_of(entry(f"android:com.a/{name}", applied={"name": name}), entry("android:com.b"))
    write_atomically(path, ledger_text(ledger))
    assert read_ledger(path) == ledger


def test_entries_stand_one_a_line_an_app_before_its_placements_and_without_flags_that_are_off(path):
    text = ledger_text(ledger_of(entry("android:com.a/b"), entry("android:com.a.x"), entry("android:com.a")))
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["address"] for line in lines] == ["android:com.a", "android:com.a/b", "android:com.a.x"]
    assert set(lines[0]) == {"address", "kind", "id", "applied"}


def test_a_ledger_with_carriage_returns_from_a_checkout_is_read(path):
    ledger = ledger_of(entry("android:com.a"), entry("android:com.b", id="2"))
    path.write_bytes(ledger_text(ledger).replace("\n", "\r\n").encode())
    assert read_ledger(path) == ledger


GOOD = ledger_text(ledger_of(entry("android:com.a")))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + GOOD[:20], "reconciler.lock:2: the line is cut off"),
        (GOOD.rstrip("\n"), "reconciler.lock:1: the line is cut off"),
        (f"<<<<<<< ours\n{GOOD}=======\n>>>>>>> theirs\n", "reconciler.lock:1: a git merge conflict"),
        (f"{GOOD}=======\n", "reconciler.lock:2: a git merge conflict"),
        (GOOD + GOOD, "reconciler.lock:2: android:com.a is there twice"),
        (GOOD + "\n", "reconciler.lock:2: the line is not a ledger entry"),
        ("[]\n", "reconciler.lock:1: the line is not a ledger entry"),
        ("null\n", "reconciler.lock:1: the line is not a ledger entry"),
        ('{"address": "a", "id": "1"}\n', "reconciler.lock:1: the line is not a ledger entry"),
        ('{"address": "a", "id": "1", "applied": []}\n', "reconciler.lock:1: the line is not a ledger entry"),
        ('{"address": "a", "id": "1", "applied": {}, "unconfirmed": 3}\n', "the line is not a ledger entry"),
        ("[" * 5000 + "\n", "reconciler.lock:1: the line is not a ledger entry"),
    ],
)
def test_a_broken_ledger_is_an_error_that_names_the_line_and_never_an_empty_one(path, text, told):
    path.write_text(text)
    with pytest.raises(StoreError) as wrong:
        read_ledger(path)
    assert told in wrong.value.message
    assert "from git" in wrong.value.hint


def test_a_ledger_that_is_not_utf8_is_an_error(path):
    path.write_bytes(b'{"address":"\xff"}\n')
    with pytest.raises(StoreError, match="cannot be read"):
        read_ledger(path)


def test_a_folder_in_the_ledgers_place_is_an_error_to_read_and_to_write(path):
    path.mkdir()
    with pytest.raises(StoreError):
        read_ledger(path)
    with pytest.raises(StoreError, match="cannot be written"):
        write_atomically(path, GOOD)
    assert [each.name for each in path.parent.iterdir()] == ["reconciler.lock"]


def test_a_folder_that_cannot_be_made_is_an_error_of_the_store(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as refused:
        write_atomically(tmp_path / "file" / "plan.json", "{}")
    assert refused.value.message == "plan.json cannot be written: File exists"


def test_a_crash_between_write_and_replace_leaves_the_old_text(path, monkeypatch):
    write_atomically(path, GOOD)

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, "new\n")
    assert path.read_text() == GOOD


class TestOneIdTwice:
    def test_two_placements_of_one_id_are_refused_with_both_lines_and_addresses(self, path):
        known = ledger_of(entry("android:com.a"), entry("android:com.a/x", id="7"), entry("ios:1/y", id="7"))
        path.write_text(ledger_text(known))
        with pytest.raises(StoreError) as refused:
            read_ledger(path)
        assert refused.value.message == (
            "reconciler.lock:3: placement id 7 is there twice, for android:com.a/x (line 2) and ios:1/y"
        )
        assert "delete the line that is wrong" in refused.value.hint
        assert refused.value.exit_code == 1

    def test_so_are_two_apps(self, path):
        path.write_text(ledger_text(ledger_of(entry("android:com.a"), entry("ios:1"))))
        with pytest.raises(StoreError, match=r"app id 1 is there twice, for android:com\.a \(line 1\) and ios:1"):
            read_ledger(path)

    def test_an_app_and_a_placement_may_have_one_id(self, path):
        known = ledger_of(entry("android:com.a"), entry("android:com.a/x"))
        path.write_text(ledger_text(known))
        assert read_ledger(path) == known
