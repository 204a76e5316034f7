"""What a run leaves in the database, and who sees it."""

import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import shake_256

import pytest
from psycopg.types.json import set_json_dumps, set_json_loads
from unit.store.postgres.world import API, APP, INT, REWARD, applied, entry, intent

from reconciler.errors import StoreError
from reconciler.model.address import Address
from reconciler.model.secret import Secret
from reconciler.store.postgres import open_store
from reconciler.store.postgres.store import PAGE

NO_INDEX_TAKES = shake_256(b"a name").hexdigest(10_000)


def test_a_run_leaves_the_ledger_and_tells_the_journal_who_did_what_and_what_came_of_it(store):
    with store.run({"user": "ada"}) as run:
        run.intend(intent(INT, name="int"))
        run.end(applied(entry(INT, "7")))
        run.remember([entry(APP)], [])
    assert store.ledger() == {APP: entry(APP), INT: entry(INT, "7")}
    told = list(store.events())
    assert [event["event"] for event in told] == ["run-started", "intent", "ended", "remembered", "run-ended"]
    assert {(event["run"], event["v"], event["at"]) for event in told} == {
        (run.run_id, 1, "2026-11-21T19:00:00.000+00:00")
    }
    assert told[0]["who"] == {"user": "ada"}
    assert told[1] | {"after": {"name": "int"}, "before": {}, "attempt": 1} == told[1]
    assert told[2] | {"outcome": "applied", "id": "7", "address": INT} == told[2]


@pytest.fixture
def _json_of_another_library():
    """What Ibis 10 does when it connects: the driver reads and writes JSON otherwise, in the whole process."""
    set_json_loads(lambda text: text)
    set_json_dumps(lambda _: '"of another library"')
    yield
    set_json_loads(json.loads)
    set_json_dumps(json.dumps)


@pytest.mark.usefixtures("_json_of_another_library")
def test_how_another_library_has_the_driver_read_and_write_json_changes_nothing(store):
    with store.run({"user": "ada"}) as run:
        run.intend(intent(INT))
        run.end(applied(entry(INT, "7")))
    assert store.ledger() == {INT: entry(INT, "7")}
    assert next(iter(store.events()))["who"] == {"user": "ada"}


def test_another_runner_sees_what_was_recorded_while_the_run_goes_on(store, runner):
    other = runner()
    with store.run({}) as run:
        run.intend(intent(INT))
        assert list(other.events())[-1]["event"] == "intent"
        run.end(applied(entry(INT, "7")))
        assert other.ledger() == {INT: entry(INT, "7")}


def test_what_a_step_came_to_and_the_ledger_it_leads_to_are_one_transaction(store, rows):
    with store.run({}) as run:
        run.end(applied(entry(INT)))
        ledger = rows("SELECT xmin::text FROM reconciler.ledger")
        assert ledger == rows("SELECT xmin::text FROM reconciler.journal WHERE event->>'event' = 'ended'")


def test_what_is_forgotten_leaves_the_ledger_and_may_come_back(store):
    with store.run({}) as run:
        run.remember([entry(INT), entry(REWARD, "2")], [])
        run.end(applied(entry(INT), REWARD))
        assert set(store.ledger()) == {INT}
        run.remember([entry(REWARD, "3")], [INT, REWARD])
    assert store.ledger() == {REWARD: entry(REWARD, "3")}


def test_a_renamed_resource_leaves_its_old_address_and_a_new_value_replaces_the_old_one(store):
    with store.run({}) as run:
        run.end(applied(entry(INT, "7", status="inactive")))
    with store.run({}) as run:
        run.end(applied(entry(INT, "7").moved_to(REWARD), INT))
        run.end(applied(entry(REWARD, "7", status="inactive")))
    assert store.ledger() == {REWARD: entry(REWARD, "7", status="inactive")}


@pytest.mark.parametrize(
    "name",
    ["名前 🎮", "a\x00b", "quo\"te\\'; DROP", "\u202eabc", NO_INDEX_TAKES, "", "%s %(a)s :b"],
    ids=["script", "nul", "quotes", "bidi", "long", "empty", "placeholders"],
)
def test_no_name_is_too_odd_or_too_long(store, name):
    odd = entry(Address(f"android:com.a/{name}"), name=name)
    with store.run({"user": name}) as run:
        run.end(applied(odd))
        run.remember([odd], [Address("android:com.a/other")])
    assert store.ledger() == {odd.address: odd}
    assert list(store.events())[1]["address"] == odd.address


@pytest.mark.parametrize("other", [{"publisher_id": "77"}, {"api": "https://staging.example.com"}])
def test_two_projects_in_one_database_see_nothing_of_each_other(store, runner, other):
    stranger = runner(**other)
    with store.run({}) as run:
        run.end(applied(entry(INT)))
        with stranger.run({}) as at_the_same_time:
            at_the_same_time.remember([], [INT])
    assert stranger.ledger() == {}
    assert {event["run"] for event in stranger.events()} == {at_the_same_time.run_id}
    assert store.ledger() == {INT: entry(INT)}


def test_reading_a_database_where_nothing_was_recorded_finds_nothing_and_makes_nothing(store, rows):
    assert store.ledger() == {}
    assert list(store.events()) == []
    assert rows("SELECT nspname FROM pg_namespace WHERE nspname = 'reconciler'") == []


def test_a_project_of_which_nothing_was_recorded_is_empty_beside_one_that_was_used(store, runner):
    with store.run({}):
        pass
    assert runner("77").ledger() == {}
    assert list(runner("77").events()) == []


def test_a_long_journal_is_read_to_its_end_in_order(store, rows):
    with store.run({}):
        pass
    rows(
        "INSERT INTO reconciler.journal (project, run, at, event) "
        "SELECT 1, 'run', now(), json_build_object('n', n) FROM generate_series(1, %(n)s) AS n",
        n=2 * PAGE,
    )
    assert [event["n"] for event in list(store.events())[2:]] == list(range(1, 2 * PAGE + 1))


@pytest.mark.parametrize("broken", ["[]", "null", '{"address": "a"}', '{"address": "a", "id": "1", "applied": 3}'])
def test_an_entry_of_another_shape_is_named_and_never_passed_over(store, rows, broken):
    with store.run({}) as run:
        run.end(applied(entry(INT)))
    rows("UPDATE reconciler.ledger SET entry = %(broken)s::json", broken=broken)
    with pytest.raises(StoreError, match=r"com\.a/int"):
        store.ledger()


def test_many_threads_lose_nothing_and_each_finds_its_intent_recorded_before_it_goes_on(store):
    def step(number):
        address = Address(f"android:com.a/{number}")
        run.intend(intent(address))
        run.end(applied(entry(address, str(number))))

    with store.run({}) as run, ThreadPoolExecutor(16) as workers:
        list(workers.map(step, range(200)))
    assert {known.id for known in store.ledger().values()} == {str(number) for number in range(200)}
    order = [(event.get("address"), event["event"]) for event in store.events()]
    assert len(order) == 402
    assert all(order.index((address, "intent")) < order.index((address, "ended")) for address in store.ledger())


def test_an_error_in_the_middle_of_a_run_passes_through_and_leaves_no_lock(store):
    def broken_run():
        with store.run({}) as run:
            run.end(applied(entry(INT)))
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            broken_run()
    assert store.ledger() == {INT: entry(INT)}
    assert [event["event"] for event in store.events()] == ["run-started", "ended", "run-ended"] * 3


def test_a_record_is_on_disk_when_it_is_made_even_where_the_database_would_rather_wait(server, own_database, clock):
    server.sql(f"ALTER DATABASE {own_database} SET synchronous_commit = off")
    server.sql(
        """
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          NEW.event = json_build_object('event', current_setting('synchronous_commit')); RETURN NEW;
        END $$
        """,
        database=own_database,
    )
    store = open_store(Secret(server.url(own_database)), "3432", API, clock)
    with store.run({}) as run:
        on_each = "CREATE TRIGGER note BEFORE INSERT ON reconciler.journal FOR EACH ROW EXECUTE FUNCTION note()"
        server.sql(on_each, database=own_database)
        run.end(applied(entry(INT)))
    assert [event["event"] for event in store.events()] == ["run-started", "on", "on"]


def test_what_people_read_in_the_tables_is_plain(store, rows):
    with store.run({"user": "ada"}) as run:
        run.end(applied(entry(INT, "7")))
    assert rows("SELECT address, entry->>'id', run FROM reconciler.ledger") == [(INT, "7", run.run_id)]
    assert rows("SELECT publisher_id, who->>'user', run FROM reconciler.project") == [("3432", "ada", run.run_id)]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_a_narrow_encoding_holds_every_name(server, own_database, clock, encoding):
    server.sql(f"DROP DATABASE {own_database}")
    server.sql(f"CREATE DATABASE {own_database} ENCODING '{encoding}' TEMPLATE template0")
    store = open_store(Secret(server.url(own_database)), "3432", API, clock)
    odd = entry(Address("android:com.a/名前"), name="🎮")
    with store.run({"user": "Łukasz"}) as run:
        run.end(applied(odd))
    assert store.ledger() == {odd.address: odd}
    assert next(iter(store.events()))["who"] == {"user": "Łukasz"}


def test_a_ledger_with_one_id_twice_is_refused_with_both_addresses(store):
    with store.run({}) as run:
        run.remember([entry(INT, "7"), entry(REWARD, "7")], [])
    with pytest.raises(StoreError, match=f"placement id 7 twice, for {INT} and {REWARD}"):
        store.ledger()
