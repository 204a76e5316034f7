"""A saved plan may do what a plan made now would do, and no more, whoever wrote its document."""

import json

import pytest
from support.command import ONE_APP

from reconciler.model.value import digest

APP = "android:com.a"
LONG_AGO = "2020-01-01T00:00:00+00:00"
HEAD = ONE_APP + "    placements:\n"
BLOCK = "      - {{name: {0}, placementType: Interstitial, coppa: false{1}}}\n"
ABSENT, PROTECT = ", state: absent", ", lifecycle: {protect: true}"

each = pytest.mark.parametrize


class Account:
    """A project, the account it is applied to, and a plan that was saved."""

    def __init__(self, project, rival):
        self.project, self.rival = project, rival
        self.path = str(project.root / "plan.json")

    def declares(self, **blocks):
        self.project.write("apps/a.yaml", HEAD + "".join(BLOCK.format(name, more) for name, more in blocks.items()))

    def applies(self, **blocks):
        self.declares(**blocks)
        done = self.project.call("apply", "--yes", "--format", "json")
        assert done.code == 0, done.err
        return done.json

    def saves(self, *more):
        assert self.project.call("plan", "--out", self.path, *more).code == 0

    def applies_saved(self, *more):
        self.rival.asked.clear()
        return self.project.call("apply", self.path, "--format", "json", *more)

    def edits_plan(self, change):
        """Somebody edits the document and makes its digest anew."""
        document = json.loads(self.project.read("plan.json"))
        change(document)
        del document["digest"]
        self.project.write("plan.json", json.dumps({**document, "digest": digest(document)}))

    def edits_ledger(self, name, **more):
        lines = self.project.entries()
        lines = [{**line, **more} if line["address"] == f"{APP}/{name}" else line for line in lines]
        self.project.write("reconciler.lock", "".join(json.dumps(line) + "\n" for line in lines))

    def id_of(self, name):
        (found,) = [str(number) for number, fields in self.rival.placements.items() if fields["name"] == name]
        return found

    @property
    def names(self):
        return {fields["name"] for fields in self.rival.placements.values()}


@pytest.fixture
def account(project, rival):
    return Account(project, rival)


@pytest.fixture
def ending(account):
    """`old` has served its quarantine, and a plan was saved that deletes it."""
    account.applies(old="", kept="")
    account.applies(old=ABSENT, kept="")
    account.edits_ledger("old", inactiveSince=LONG_AGO)
    account.saves("--max-deletes", "1")
    return account


def changes_of(account):
    return json.loads(account.project.read("plan.json"))["changes"]


class TestDeletes:
    def test_one_that_a_plan_made_now_has_too_is_carried_out(self, ending):
        done = ending.applies_saved("--max-deletes", "1")
        assert (done.code, ending.names) == (0, {"kept"}), done.err

    @each(
        ("block", "why"),
        [
            ("", "neither a tombstone nor"),
            (", status: inactive", "neither a tombstone nor"),
            (ABSENT + PROTECT, "it is protected"),
        ],
    )
    @each("leave", ["0", "1"])
    def test_one_whose_tombstone_is_gone_or_that_is_protected_by_now_is_refused(self, ending, block, why, leave):
        ending.declares(old=block, kept="")
        done = ending.applies_saved("--max-deletes", leave, "--skip-stale")
        assert (done.code, ending.rival.writes) == (6, [])
        assert f"{APP}/old: " in done.err
        assert why in done.err

    def test_one_that_is_protected_in_the_ledger_is_refused(self, ending):
        ending.edits_ledger("old", protect=True)
        done = ending.applies_saved("--max-deletes", "1")
        assert (done.code, ending.rival.writes) == (6, [])
        assert "it is protected" in done.err

    def test_one_whose_quarantine_began_anew_is_refused(self, ending):
        ending.edits_ledger("old", inactiveSince="2999-01-01T00:00:00+00:00")
        done = ending.applies_saved("--max-deletes", "1")
        assert (done.code, ending.rival.writes) == (6, [])
        assert "in quarantine until 2999-01-15" in done.err

    def test_one_that_is_active_again_is_stale(self, ending):
        ending.rival.placements[int(ending.id_of("old"))]["status"] = "active"
        done = ending.applies_saved("--max-deletes", "1")
        assert (done.code, ending.rival.writes) == (4, [])

    def test_a_rehearsal_refuses_it_as_an_apply_would(self, ending):
        ending.declares(old="", kept="")
        assert ending.project.call("rehearse", ending.path, "--max-deletes", "1").code == 6

    def test_manifests_that_cannot_be_read_end_it(self, ending):
        ending.project.write("apps/a.yaml", "version: [")
        done = ending.applies_saved("--max-deletes", "1")
        assert (done.code, ending.rival.asked) == (1, [])


class TestHeldDeletes:
    """What was held when the plan was made is let go by this run's leave only where a plan made now deletes it too."""

    @pytest.fixture
    def held(self, ending):
        ending.saves()
        return ending

    def test_leave_lets_it_go(self, held):
        assert held.applies_saved("--max-deletes", "1").code == 0
        assert held.names == {"kept"}

    @each("block", ["", ABSENT + PROTECT])
    def test_one_that_would_not_be_deleted_now_stays_and_is_told(self, held, block):
        held.declares(old=block, kept="", new="")
        held.project.call("plan", "--out", held.path)
        held.declares(old=ABSENT, kept="", new="")
        held.saves()
        held.declares(old=block, kept="", new="")
        assert held.applies_saved("--max-deletes", "1").code == 4
        done = held.project.call("apply", held.path, "--max-deletes", "1", "--skip-stale")
        assert (done.code, held.names) == (0, {"old", "kept", "new"}), done.err
        assert f"  held: delete {APP}/old" in done.out
        assert "not deleted: " in done.out

    def test_one_that_moved_since_stays_too(self, held):
        held.rival.placements[int(held.id_of("old"))]["coppa"] = True
        done = held.applies_saved("--max-deletes", "1")
        assert (done.code, held.rival.writes) == (0, [])


class TestEditedDocuments:
    """The digest is made anew, as anybody can."""

    def test_an_added_delete_of_what_lives_is_refused(self, ending):
        ending.declares(old=ABSENT, kept=", status: inactive")
        ending.saves("--max-deletes", "1")
        (update,) = [change for change in changes_of(ending) if change["address"].endswith("kept")]
        delete = {key: update[key] for key in ("kind", "address", "id", "source", "observed", "appId")}
        delete |= {"action": "delete", "fields": [], "reason": "declared absent"}
        ending.edits_plan(lambda document: document.update(changes=[*document["changes"][1:], delete]))
        done = ending.applies_saved("--max-deletes", "9")
        assert (done.code, ending.rival.writes) == (6, [])
        assert f"{APP}/kept: neither a tombstone nor" in done.err

    def test_an_added_delete_is_refused_where_the_limits_hold_it_too(self, ending):
        ending.declares(old="", kept="")
        assert ending.applies_saved().code == 6

    def test_an_added_held_delete_is_let_go_by_no_leave(self, account):
        account.applies(old="", kept="")
        account.saves()
        delete = {
            "action": "delete", "kind": "placement", "address": f"{APP}/kept", "id": account.id_of("kept"),
            "source": None, "fields": [], "reason": "declared absent", "observed": "sha256:x", "appId": "1",
        }  # fmt: skip
        held = {**delete, "limit": "maxDeletes", "switch": "--max-deletes 1", "change": delete}
        account.edits_plan(lambda document: document.update(held=[held]))
        done = account.applies_saved("--max-deletes", "1")
        assert (done.code, account.rival.writes) == (0, [])

    def test_a_changed_id_is_refused(self, ending):
        ending.edits_plan(lambda document: document["changes"][0].update(id=ending.id_of("kept")))
        done = ending.applies_saved("--max-deletes", "1")
        assert (done.code, ending.rival.writes) == (4, [])

    def test_the_id_of_an_app_is_none_of_a_placement(self, ending):
        (app,) = ending.rival.apps
        ending.edits_plan(lambda document: document["changes"][0].update(id=str(app)))
        done = ending.applies_saved("--max-deletes", "1")
        assert (done.code, ending.rival.writes) == (4, [])

    @pytest.fixture
    def raising(self, account):
        """A plan that raises one floor of ours, beside a stranger of the same values."""
        account.applies(a=", floorPrices: {US: 1}", b=", floorPrices: {US: 1}")
        account.declares(a=", floorPrices: {US: 1.2}", b=", floorPrices: {US: 1.2}")
        account.saves()
        return account

    @each("price", [1.4, 9])
    def test_a_changed_value_to_send_is_broken(self, raising, price):
        raising.edits_plan(lambda document: document["changes"][0]["send"]["floorPrices"].update(US=price))
        done = raising.applies_saved("--allow-floor-jump")
        assert (done.code, raising.rival.writes) == (1, [])
        assert "its fields do not show what is sent" in done.err

    @each("more", [{"status": "inactive"}, {"floorPrices": {"US": 1.2, "CA": 9, "WW": 0.01}}])
    def test_a_value_to_send_that_is_not_shown_is_broken(self, raising, more):
        raising.edits_plan(lambda document: document["changes"][0]["send"].update(more))
        done = raising.applies_saved("--allow-floor-jump")
        assert (done.code, raising.rival.writes) == (1, [])

    def test_an_update_of_what_stands_for_another_address_is_stale(self, raising):
        def swap(document):
            first, second = document["changes"]
            first["id"], first["observed"] = second["id"], second["observed"]
            document["changes"] = [first]

        raising.edits_plan(swap)
        done = raising.applies_saved()
        assert (done.code, raising.rival.writes) == (4, [])
        assert "does not stand for it" in done.err

    def test_a_create_under_another_name_than_its_address_is_broken(self, account):
        account.declares(a="")
        account.saves()

        def rename(document):
            create = next(change for change in document["changes"] if change["address"].endswith("/a"))
            create["send"]["name"] = "other"
            next(field for field in create["fields"] if field["path"] == "name")["after"] = "other"

        account.edits_plan(rename)
        done = account.applies_saved()
        assert (done.code, account.rival.writes) == (1, [])

    def test_a_create_of_what_nothing_declares_is_stale(self, account):
        account.declares(a="")
        account.saves()
        account.declares(other="")
        done = account.applies_saved("--skip-stale")
        assert (done.code, account.names) == (3, set())
        assert "no manifest declares it any more" in str(done.json)

    def test_ledger_entries_are_not_taken_from_it(self, account):
        account.applies(a="", b="")
        stranger = account.rival.add_placement(next(iter(account.rival.apps)), name="theirs", status="inactive")
        account.saves()
        planted = {"address": f"{APP}/theirs", "kind": "placement", "id": str(stranger), "applied": {}}
        before = account.project.read("reconciler.lock")
        account.edits_plan(lambda document: document.update(remember=[planted], forget=[f"{APP}/a"]))
        assert account.applies_saved().code == 0
        assert account.project.read("reconciler.lock") == before

    def test_ledger_entries_are_those_of_now(self, account):
        app = account.rival.add_app(name="A", bundle="com.a")
        account.rival.add_placement(app, name="a")
        account.declares(a="")
        account.saves()
        assert account.applies_saved().code == 0
        entries = account.project.entries()
        assert [(entry["address"], entry["id"]) for entry in entries] == [
            (APP, str(app)), (f"{APP}/a", account.id_of("a")),
        ]  # fmt: skip


class TestCreates:
    def test_one_whose_name_two_live_ones_have_by_now_is_stale_with_the_reason(self, account):
        account.applies(a="")
        account.declares(a="", b="")
        account.saves()
        for _ in range(2):
            account.rival.add_placement(next(iter(account.rival.apps)), name="b")
        done = account.applies_saved()
        assert (done.code, account.rival.writes) == (4, [])

    def test_one_that_looks_like_a_rename_by_now_is_stale_with_the_reason(self, account):
        account.applies(level_end_1="")
        account.declares(level_end_1="", level_end_2="")
        account.saves()
        account.declares(level_end_2="")
        done = account.applies_saved()
        assert (done.code, account.rival.writes) == (4, [])
        assert "suspected rename" in done.err

    def test_one_that_was_made_by_another_run_and_is_gone_is_not_made_again(self, account):
        account.applies(a="")
        account.declares(a="", b="")
        account.saves()
        account.applies(a="", b="")
        del account.rival.placements[int(account.id_of("b"))]
        done = account.applies_saved()
        assert (done.code, account.rival.writes) == (4, [])
        assert "--recreate" in done.err

    def test_one_planned_with_recreate_is_made_again(self, account):
        account.applies(a="")
        del account.rival.placements[int(account.id_of("a"))]
        account.saves("--recreate")
        assert account.applies_saved().code == 0
        assert account.names == {"a"}


class TestDeactivations:
    @pytest.fixture
    def leaving(self, account):
        """A plan was saved that sets `a` inactive."""
        account.applies(a="", b="")
        account.declares(a=ABSENT, b="", c="")
        account.saves()
        return account

    @each(
        ("block", "why"),
        [(ABSENT + PROTECT, "it is protected"), (PROTECT, "it is protected"), ("", "nothing asks any more")],
    )
    def test_one_that_is_protected_or_not_asked_for_by_now_is_stale(self, leaving, block, why):
        leaving.declares(a=block, b="", c="")
        done = leaving.applies_saved()
        assert (done.code, leaving.rival.writes) == (4, [])
        assert why in done.err
        done = leaving.applies_saved("--skip-stale")
        assert done.outcomes() == {f"{APP}/a": "skipped", f"{APP}/c": "applied"}

    def test_protection_in_the_ledger_holds_it_too(self, leaving):
        leaving.edits_ledger("a", protect=True)
        done = leaving.applies_saved()
        assert (done.code, leaving.rival.writes) == (4, [])

    def test_an_update_to_inactive_of_one_that_is_protected_by_now_is_stale(self, account):
        account.applies(a=", status: active")
        account.declares(a=", status: inactive")
        account.saves()
        account.declares(a=", status: inactive" + PROTECT)
        done = account.applies_saved()
        assert (done.code, account.rival.writes) == (4, [])
        assert "it is protected" in done.err

    def test_protection_that_the_same_manifests_lift_is_none(self, account):
        account.applies(a=", status: active" + PROTECT)
        account.declares(a=", status: inactive")
        account.saves()
        assert account.applies_saved().code == 0

    def test_an_undo_sets_what_was_made_inactive_though_the_manifests_declare_it(self, account):
        account.applies(a="")
        undo = account.applies(a="", b="")["undo"]
        assert account.project.call("apply", str(account.project.root / undo)).code == 0
        assert account.rival.named("b")["status"] == "inactive"

    def test_an_undo_leaves_what_is_protected(self, account):
        account.applies(a="")
        undo = account.applies(a="", b=PROTECT)["undo"]
        done = account.project.call("apply", str(account.project.root / undo))
        assert done.code == 4
        assert "it is protected" in done.err
        assert account.rival.named("b")["status"] == "active"


class TestOtherManifests:
    """A plan that was made from other manifests than those of now is stale."""

    FLOORS = ", floorPrices: {{US: {}}}"

    @pytest.fixture
    def raising(self, account):
        """A plan was saved that raises a floor of `a` to 1.2 and makes `b`."""
        account.applies(a=self.FLOORS.format(1))
        account.declares(a=self.FLOORS.format(1.2), b="")
        account.saves()
        return account

    def test_such_a_plan_is_stale_though_the_account_has_not_moved(self, raising):
        raising.declares(a=self.FLOORS.format(1.3), b="")
        done = raising.applies_saved()
        assert (done.code, raising.rival.writes) == (4, [])
        assert "the manifests have changed since it was made" in done.err
        assert f"{APP}/a: the manifests do not ask for this floorPrices any more" in done.err

    def test_it_is_stale_where_nothing_that_it_changes_is_asked_for_otherwise(self, raising):
        raising.declares(a=self.FLOORS.format(1.2), b="", c="")
        done = raising.applies_saved()
        assert (done.code, raising.rival.writes) == (4, [])
        done = raising.applies_saved("--skip-stale")
        assert done.outcomes() == {f"{APP}/a": "applied", f"{APP}/b": "applied"}

    def test_a_rehearsal_ends_as_an_apply_would(self, raising):
        raising.declares(a=self.FLOORS.format(1.3), b="")
        assert raising.project.call("rehearse", raising.path).code == 4

    @each(
        ("blocks", "left"),
        [
            ({"a": FLOORS.format(1.3), "b": ""}, {"a": "skipped", "b": "applied"}),
            ({"a": FLOORS.format(1.2), "b": FLOORS.format(9)}, {"a": "applied", "b": "skipped"}),
            ({"a": "", "b": ""}, {"a": "skipped", "b": "applied"}),
        ],
    )
    def test_skipping_leaves_out_what_is_asked_for_with_other_values(self, raising, blocks, left):
        raising.declares(**blocks)
        done = raising.applies_saved("--skip-stale")
        assert done.outcomes() == {f"{APP}/{name}": outcome for name, outcome in left.items()}
        assert raising.rival.named("a")["floorPrices"]["US"] == (1 if left["a"] == "skipped" else 1.2)

    @each(
        "more",
        ["safety: {maxDeletes: 3}", "safety:\n  # two\n  maxDeletes: 2\n\npolicies: []", "reports: {people: hash}"],
    )
    def test_other_limits_make_no_plan_stale(self, raising, more):
        raising.project.edit("reconciler.yaml", ("version: 1\n", f"version: 1\n{more}\n"))
        assert raising.applies_saved().code == 0

    @each("more", ["prune: delete", "safety: {maxDeletes: 3}\ndefaults: {placements: {coppa: false}}"])
    def test_other_settings_do(self, raising, more):
        raising.project.edit("reconciler.yaml", ("version: 1\n", f"version: 1\n{more}\n"))
        assert raising.applies_saved().code == 4

    def test_an_undo_plan_is_made_from_no_manifests(self, raising):
        undo = raising.applies(a=self.FLOORS.format(1.2), b="")["undo"]
        raising.declares(a=self.FLOORS.format(1))
        done = raising.project.call("apply", str(raising.project.root / undo), "--format", "json")
        assert done.outcomes() == {f"{APP}/a": "applied", f"{APP}/b": "applied"}
        assert raising.rival.named("a")["floorPrices"]["US"] == 1
        assert raising.rival.named("b")["status"] == "inactive"


def test_an_app_is_left_whole_where_one_of_its_placements_moved(account):
    account.applies(a="", b="")
    account.project.write("apps/a.yaml", ONE_APP + "    state: absent\n")
    assert account.project.call("apply", "--yes").code == 0
    lines = account.project.entries()
    lines = [{**line, "inactiveSince": LONG_AGO} for line in lines]
    account.project.write("reconciler.lock", "".join(json.dumps(line) + "\n" for line in lines))
    account.saves("--max-deletes", "3")
    account.rival.placements[int(account.id_of("b"))]["coppa"] = True
    done = account.applies_saved("--max-deletes", "3", "--skip-stale")
    assert (done.code, account.rival.writes) == (3, [])
    assert set(done.outcomes().values()) == {"skipped"}
    assert account.names == {"a", "b"}


def test_a_saved_plan_reads_the_list_of_each_app_it_concerns_once(account):
    account.applies(a="")
    account.declares(a="", b="")
    account.saves()
    assert account.applies_saved().code == 0
    posted = next(number for number, asked in enumerate(account.rival.asked) if asked.name == "POST placement")
    reads = [asked.name for asked in account.rival.asked[:posted] if asked.method == "GET"]
    assert len(reads) == 2, reads
