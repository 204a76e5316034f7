import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.errors import ProjectError, UsageError
from reconciler.sandbox.account import SandboxAccount
from reconciler.sandbox.server import generated, seed_named, seed_resources


@pytest.fixture
def account():
    fresh = SandboxAccount()
    yield fresh
    fresh.close()


def test_what_was_written_outlives_the_server(tmp_path):
    first = SandboxAccount(tmp_path / "account.db")
    app = first.create("app", {"name": "a"})
    placement = first.create("placement", {"name": "p", "floorPrices": {"WW": 0.01}}, app_id=app.id)
    token = first.issue_token(60)
    first.close()
    second = SandboxAccount(tmp_path / "account.db")
    assert second.apps() == (app,)
    assert second.placements(app.id) == (placement,)
    assert second.token_is_good(token)
    assert int(second.create("app", {}).id) == int(app.id) + 1
    second.close()


def test_what_was_committed_outlives_a_killed_process(tmp_path):
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from reconciler.sandbox.account import SandboxAccount\n"
        "account = SandboxAccount(Path(sys.argv[1]))\n"
        "print(account.create('app', {'name': 'kept'}).id, flush=True)\n"
        "sys.stdin.read()\n"
    )
    path = tmp_path / "account.db"
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        app_id = process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL)
    account = SandboxAccount(path)
    assert account.get("app", app_id).fields == {"name": "kept"}
    account.close()


def test_a_write_that_fails_leaves_nothing_behind(account):
    resources = [{"kind": "app", "id": "1", "fields": {}}, {"kind": "app", "id": "not a number", "fields": {}}]
    with pytest.raises(ValueError, match="not a number"):
        seed_resources(account, resources)
    assert account.apps() == ()
    with pytest.raises(KeyError):
        account.replace("app", "1", {})
    assert account.delete("app", "1") is False


def test_a_file_belongs_to_one_sandbox_at_a_time(tmp_path):
    first = SandboxAccount(tmp_path / "account.db")
    with pytest.raises(ProjectError) as refused:
        SandboxAccount(tmp_path / "account.db")
    assert "another sandbox" in refused.value.hint
    first.close()


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be looked at" * 10)
    with pytest.raises(ProjectError, match="notes"):
        SandboxAccount(tmp_path / "notes.txt")
    with pytest.raises(ProjectError, match="no such folder"):
        SandboxAccount(tmp_path / "no such folder" / "account.db")


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what is open")
def test_a_file_that_is_refused_is_not_kept_open(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("not a database, but long enough to be looked at" * 10)
    with pytest.raises(ProjectError) as refused:
        SandboxAccount(notes)
    opened = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
    assert notes not in opened, refused.value  # while the error, and so the frame it comes from, is at hand


def test_tokens_can_be_revoked(account):
    token = account.issue_token(60)
    account.revoke_tokens()
    assert not account.token_is_good(token)


def test_a_token_is_not_kept_in_clear(tmp_path):
    account = SandboxAccount(tmp_path / "account.db")
    token = account.issue_token(60)
    account.close()
    assert token.encode() not in (tmp_path / "account.db").read_bytes()


def test_the_demo_is_the_same_each_time(account):
    seed_named(account, "demo")
    again = SandboxAccount()
    seed_named(again, "demo")
    assert (account.apps(), account.placements()) == (again.apps(), again.placements())
    assert len(account.apps()) == 3
    assert all(placement.fields["floorPrices"]["WW"] for placement in account.placements())
    again.close()


def test_an_unknown_seed_is_wrong_usage(account):
    with pytest.raises(UsageError) as refused:
        seed_named(account, "demos")
    assert "demo" in refused.value.hint


def test_a_generated_account_has_the_size_asked_for(account):
    seed_resources(account, generated(3, 5))
    assert len(account.apps()) == 3
    assert [len(account.placements(app.id)) for app in account.apps()] == [5, 5, 5]
    assert list(generated(3, 5)) == list(generated(3, 5))


def test_resources_keep_their_ids_and_new_ones_come_after_them(account):
    fields = {"name": "p", "placementType": "MREC", "geo": None, "targetingEnabled": False, "floorPrices": {"US": 1}}
    seed_resources(
        account,
        [
            {"kind": "app", "id": "900001", "fields": {"name": "a", "category2": None}},
            {"kind": "placement", "id": "900001", "appId": "900001", "fields": fields},
        ],
        publisher_id="7",
    )
    assert account.get("app", "900001").fields == {"publisherId": "7", "name": "a"}
    assert account.get("placement", "900001").fields["floorPrices"] == {"US": 1, "WW": 0.01}
    assert account.create("app", {}).id == "900002"
