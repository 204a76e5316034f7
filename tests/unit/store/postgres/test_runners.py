"""The command itself, run by two runners that share nothing but the database."""

import json
import os

import pytest
from support.command import Done
from support.forking import forked
from support.pgbouncer import running_pooler
from unit.store.postgres.world import holder, neighbours

from reconciler.sandbox.server import RunningSandbox

CANARY = "Canary"
MANIFEST = """
version: 1
apps:
  - platform: android
    bundle: com.a
    name: A
    category1: Finance
    coppa: false
    placements:
      - {name: one, placementType: Interstitial, coppa: false, floorPrices: {WW: 1.0}}
      - {name: two, placementType: Interstitial, coppa: false, floorPrices: {WW: 2.0}}
      - {name: three, placementType: Interstitial, coppa: false, floorPrices: {WW: 3.0}}
      - {name: four, placementType: Interstitial, coppa: false, floorPrices: {WW: 4.0}}
"""
WRITES = {"POST", "PUT", "DELETE"}

CUT_AT_THE_THIRD_INTENT = """
CREATE FUNCTION reconciler.cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.event->>'event' = 'intent' AND
    (SELECT count(*) FROM reconciler.journal WHERE event->>'event' = 'intent') = 2
  THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER cut BEFORE INSERT ON reconciler.journal FOR EACH ROW EXECUTE FUNCTION reconciler.cut();
"""


@pytest.fixture
def sandbox():
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def runner_in(tmp_path, sandbox, url):
    """Makes a runner: a folder with the manifests, and the command run in it."""

    def build(name, manifest=MANIFEST, **variables):
        folder = tmp_path / name
        (folder / "apps").mkdir(parents=True)
        (folder / "reconciler.yaml").write_text('version: 1\npublisherId: "3432"\n')
        (folder / "apps/a.yaml").write_text(manifest)
        told = {
            "DT_MANAGEMENT_URL": sandbox.url, "DT_CLIENT_ID": "id", "DT_CLIENT_SECRET": "pw", "RECONCILER_STORE": url,
            "GITHUB_ACTOR": name, **variables,
        }  # fmt: skip

        def run(*arguments):
            forked_run = forked().run(["-vv", *arguments], folder, {**os.environ, **told}, 240)
            out, err = forked_run.stdout.decode(), forked_run.stderr.decode()
            done = Done(forked_run.args, forked_run.returncode, out, err)
            assert CANARY not in done.stdout + done.stderr
            return done

        run.folder = folder
        return run

    return build


def resources(sandbox):
    return sorted(each.fields["name"] for each in (*sandbox.account.apps(), *sandbox.account.placements()))


def writes(sandbox):
    return [each for each in sandbox.account.requests if each.method in WRITES and "auth" not in each.path]


def test_what_one_runner_applied_the_other_knows_and_no_file_holds_it(runner_in, sandbox):
    first = runner_in("first")
    second = runner_in("second", MANIFEST.replace("WW: 4.0", "WW: 4.5"))
    done = first("apply", "--yes")
    assert done.returncode == 0, done.stderr
    assert resources(sandbox) == ["A", "four", "one", "three", "two"]
    aside = {"undo", "cache"}
    kept = {path.name for path in first.folder.rglob("*") if path.is_file() and aside.isdisjoint(path.parts)}
    assert kept == {"reconciler.yaml", "a.yaml"}
    plan = json.loads(second("plan", "--format", "json").stdout)
    [change] = plan["changes"]
    assert [field["origin"] for field in change["fields"]] == ["pending"]
    assert second("apply", "--yes").returncode == 0
    assert first("plan", "--detailed-exitcode").returncode == 2


def test_a_runner_that_finds_another_at_work_ends_with_5_and_says_who_it_is(runner_in, sandbox, url):
    turned_away = runner_in("bob")
    with holder(url, sandbox.url):
        done = turned_away("apply", "--yes")
    assert done.returncode == 5
    assert "user ada" in done.stderr
    assert writes(sandbox) == []
    assert turned_away("apply", "--yes").returncode == 0


def test_a_pooler_that_lends_a_session_for_a_transaction_is_as_good_as_the_server(
    runner_in, sandbox, server, url, rows
):
    placements = "".join(
        f"      - {{name: more_{number}, placementType: Banner, coppa: false}}\n" for number in range(30)
    )
    with running_pooler(server, "transaction") as port:
        pooled = url.replace(f":{server.port}/", f":{port}/")
        runner = runner_in("first", MANIFEST + placements, RECONCILER_STORE=pooled)
        for _ in range(2):
            with neighbours(pooled, 2):
                done = runner("apply", "--yes", "--format", "json")
            assert done.returncode == 0, done.stderr
            assert {each["outcome"] for each in json.loads(done.stdout)["results"]} <= {"applied"}
            assert rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]
        assert len(resources(sandbox)) == 35
        assert runner("plan", "--detailed-exitcode").returncode == 0


def test_a_database_lost_in_mid_apply_stops_it_before_the_next_write_and_the_next_apply_converges(
    runner_in, sandbox, rows
):
    runner = runner_in("first")
    assert runner("apply", "--yes", "--only", "android:com.a").returncode == 0
    rows("TRUNCATE reconciler.journal")
    rows(CUT_AT_THE_THIRD_INTENT)
    before = len(writes(sandbox))
    done = runner("apply", "--yes", "--parallelism", "1")
    assert done.returncode == 1
    assert "database" in done.stderr
    assert len(writes(sandbox)) == before + 2
    rows("DROP FUNCTION reconciler.cut CASCADE")
    assert runner("apply", "--yes").returncode == 0
    assert runner("plan", "--detailed-exitcode").returncode == 0
    assert resources(sandbox) == ["A", "four", "one", "three", "two"]


def test_a_database_that_cannot_be_reached_ends_the_command_with_1_and_no_write(runner_in, sandbox, url):
    lost = runner_in("lost", RECONCILER_STORE=url.replace("@127.0.0.1", "@nowhere.invalid"))
    for command in (("plan",), ("apply", "--yes")):
        done = lost(*command)
        assert done.returncode == 1
        assert "nowhere.invalid" in done.stderr
    assert writes(sandbox) == []


def test_a_store_that_is_none_ends_the_command_with_1_and_a_hint(runner_in, sandbox):
    done = runner_in("odd", RECONCILER_STORE=f"redis://ada:{CANARY}@db")("apply", "--yes")
    assert done.returncode == 1
    assert "postgresql://" in done.stderr
    assert writes(sandbox) == []
