"""Creates of which nobody can tell at once whether they were done, against a real server: one of each at most, a true
account, and nothing of anybody else's touched. Waits of tens of seconds are in tests/faults/test_doubtful_creates.py.
"""

import json
import re
import threading

import pytest
from support.command import Project
from support.rival import PLACEMENT, Spelling

each = pytest.mark.parametrize

SETTLE = 0.4
SETTINGS = f'version: 1\npublisherId: "3432"\nsafety: {{settleSeconds: {SETTLE}}}\n'
NAME = "Level_End_of_the_World"
APP = "platform: android, bundle: com.a, name: A, category1: Finance, coppa: false"
HARD = f"{{name: {NAME}, placementType: Interstitial, coppa: false, floorPrices: {{US: 2}}}}"
MORE = "{name: other, placementType: Banner, coppa: false, floorPrices: {US: 3}}"
HARD_ADDRESS, MORE_ADDRESS = f"android:com.a/{NAME}", "android:com.a/other"
REFUSALS = {303: b"", 409: b'{"msg": "a conflict, says the server"}'}


@pytest.fixture
def account(project, rival):
    """One app with a stranger in it, and a project that declares the app and one new placement."""
    app = rival.add_app(name="A", bundle="com.a")
    rival.theirs = rival.add_placement(app, name="theirs", floorPrices=[{"country": "US", "price": 9}])
    rival.untouched = json.dumps([rival.apps, rival.placements])
    project.write("reconciler.yaml", SETTINGS)
    declare(project, HARD)
    rival.app = app
    return rival


def declare(project, *placements):
    project.write("apps/a.yaml", f"version: 1\napps:\n  - {{{APP}, placements: [{', '.join(placements)}]}}\n")


def applied(project, *more):
    return project.call("apply", "--yes", "--format", "json", *more)


def result(done, address=HARD_ADDRESS):
    return next(each for each in done.json["results"] if each["address"] == address)


def posts(rival, name=NAME):
    return [asked for asked in rival.writes if asked.method == "POST" and asked.body["name"] == name]


def others_are_as_before(rival):
    """Whatever was there before is as it was, and no write named it."""
    apps, placements = ({int(key): value for key, value in part.items()} for part in json.loads(rival.untouched))
    assert {key: rival.apps[key] for key in apps} == apps
    assert {key: rival.placements[key] for key in placements} == placements
    assert [asked for asked in rival.writes if asked.method != "POST"] == []


def own(rival):
    """The ids of the placements that were made."""
    return [key for key, fields in rival.placements.items() if key != rival.theirs]


def ledger_ids(project):
    return re.findall(r'"id": ?"(\d+)"', project.read("reconciler.lock"))


def answering(status, body=b"", *, done, name=NAME, times=1):
    """What a server does that answers so many creates of a name so: they are done all the same, or not."""
    left = [times]

    def struck(asked):
        hit = asked.method == "POST" and asked.path == PLACEMENT and asked.body["name"] == name and left[0] > 0
        left[0] -= hit
        return hit

    def instead(asked):
        return (status, body) if struck(asked) else None

    def twist(asked, now, said):
        return (status, body) if struck(asked) else (now, said)

    return {"twist": twist} if done else {"instead": {"POST placement": instead}}


def loses(rival, *, done, **more):
    for name, value in answering(502, b"bad gateway", done=done, **more).items():
        setattr(rival, name, value)


class TestLag:
    def test_a_list_that_shows_it_within_the_settle_time_settles_it(self, project, account):
        account.doubt.list_lag = account.doubt.find_lag = SETTLE / 2
        loses(account, done=True)
        done = applied(project)
        assert (done.code, result(done)["outcome"]) == (0, "applied"), done.err
        assert [result(done)["id"]] == [str(key) for key in own(account)]
        assert len(posts(account)) == 1
        others_are_as_before(account)

    @each("beside", [(), (MORE,)], ids=["alone", "beside a younger one"])
    def test_a_list_that_shows_it_later_leaves_it_unknown_and_nothing_is_sent_again(self, project, account, beside):
        account.doubt.list_lag = account.doubt.find_lag = 60
        declare(project, HARD, *beside)
        loses(account, done=True)
        done = applied(project)
        assert (done.code, result(done)["outcome"]) == (3, "unknown")
        assert (result(done)["id"], done.json["summary"]["unknown"]) == (None, 1)
        assert len(posts(account)) == 1
        others_are_as_before(account)

    def test_silence_alone_is_no_evidence(self, project, account):
        loses(account, done=False)
        done = applied(project)
        assert (done.code, result(done)["outcome"]) == (3, "unknown")
        assert (len(posts(account)), own(account)) == (1, [])

    def test_a_younger_one_of_this_run_in_the_same_list_is_evidence(self, project, account):
        declare(project, HARD, MORE)
        loses(account, done=False)
        done = applied(project, "--parallelism", "1")
        assert (done.code, set(done.outcomes().values())) == (0, {"applied"}), done.out
        assert (len(posts(account)), len(own(account))) == (2, 2)
        assert project.call("plan", "--detailed-exitcode").code == 0

    def test_the_text_says_what_is_unknown_and_the_journal_too(self, project, account):
        loses(account, done=False)
        done = project.call("apply", "--yes")
        assert done.code == 3
        assert "unknown" in done.out
        assert NAME in done.out
        assert "unknown" in project.call("history").out


@each("name", [str.lower, str.strip, lambda name: name[:16], lambda name: name.replace("_", "-")],
      ids=["lower", "trim", "cut16", "dashes"])  # fmt: skip
@each("beside", [(), (MORE,)], ids=["alone", "beside another"])
def test_a_new_id_of_another_name_is_unknown_with_its_id_and_nothing_is_sent_again(project, account, name, beside):
    account.doubt.name = name
    hard = HARD.replace(NAME, f'"{NAME} "')
    declare(project, hard, *beside)
    loses(account, done=True, name=f"{NAME} ")
    done = applied(project)
    (there,) = (key for key in own(account) if account.placements[key]["name"] == name(f"{NAME} "))
    (told,) = (each for each in done.json["results"] if each["address"].strip() == HARD_ADDRESS)
    assert (done.code, told["outcome"]) == (3, "unknown")
    assert str(there) in told["error"]
    assert len(posts(account, f"{NAME} ")) == 1
    assert str(there) not in (ledger_ids(project) if (project.root / "reconciler.lock").exists() else [])
    others_are_as_before(account)


@each("bundle", [str.lower, lambda bundle: bundle[:16], lambda bundle: bundle.replace("_", "-")],
      ids=["lower", "cut16", "dashes"])  # fmt: skip
def test_so_it_is_with_a_bundle(project, account, bundle):
    account.doubt.name = bundle
    declare(project)
    project.write("apps/b.yaml", "version: 1\napps:\n  - {platform: android, bundle: com.Cash_Crash.of.the.World, "
                                 "name: B, category1: Finance, coppa: false}\n")  # fmt: skip
    account.twist = lambda asked, status, said: (502, b"") if asked.method == "POST" else (status, said)
    done = applied(project)
    (there,) = (key for key in account.apps if key != account.app)
    told = result(done, "android:com.Cash_Crash.of.the.World")
    assert (done.code, told["outcome"]) == (3, "unknown")
    assert str(there) in told["error"]
    assert len([asked for asked in account.writes if asked.method == "POST"]) == 1


def test_pull_leaves_what_an_unclear_create_may_have_made_to_a_person(project, account):
    account.doubt.name = lambda name: name[:16]
    project.write("apps/b.yaml", "version: 1\napps:\n  - {platform: android, bundle: com.Cash_Crash.of.the.World, "
                                 "name: B, category1: Finance, coppa: false, placements: []}\n")  # fmt: skip
    account.twist = lambda asked, status, said: (502, b"") if asked.method == "POST" else (status, said)
    assert applied(project).code == 3
    (app,) = (key for key in account.apps if key != account.app)
    (placement,) = own(account)
    pulled = project.call("pull", "--check", "--format", "json")
    assert pulled.json["adopted"] == ["android:com.a/theirs"]
    told = {each["address"]: each["text"] for each in pulled.json["notes"]}
    assert f"may have made id {app}" in told["android:com.Cash_Crash.of.the.World"]
    assert f"may have made id {placement}" in told[HARD_ADDRESS]


class TestOldIds:
    @each("bare", [True, False], ids=["bare", "with fields"])
    def test_answers_shifted_by_one_are_sorted_out_by_the_list(self, project, account, bare):
        account.doubt.old_ids, account.doubt.old_ids_bare = "shift", bare
        declare(project, HARD, MORE)
        done = applied(project)
        assert (done.code, set(done.outcomes().values())) == (0, {"applied"}), done.out
        ids = {account.placements[int(each["id"])]["name"]: each["address"] for each in done.json["results"]}
        assert ids == {NAME: HARD_ADDRESS, "other": MORE_ADDRESS}
        others_are_as_before(account)
        account.asked.clear()
        assert project.call("plan", "--detailed-exitcode").code == 0
        assert applied(project).json["results"] == []
        assert account.writes == []
        assert str(account.theirs) not in ledger_ids(project)

    @each("bare", [True, False], ids=["bare", "with fields"])
    def test_an_earlier_answer_that_is_given_again_is_unknown(self, project, account, bare):
        account.doubt.old_ids, account.doubt.old_ids_bare = "replay", bare
        declare(project, HARD, MORE)
        done = applied(project, "--parallelism", "1")
        outcomes = sorted(done.outcomes().values())
        assert (done.code, outcomes) == (3, ["applied", "unknown"])
        (there,) = own(account)
        unknown = next(each for each in done.json["results"] if each["outcome"] == "unknown")
        assert str(there) in unknown["error"]
        assert len(posts(account)) == len(posts(account, "other")) == 1
        assert ledger_ids(project).count(str(there)) == 1
        others_are_as_before(account)

    @each("bare", [True, False], ids=["bare", "with fields"])
    def test_a_server_that_makes_nothing_twice_does_not_give_us_what_is_there(self, project, account, bare):
        account.doubt.old_ids, account.doubt.old_ids_bare = "dedup", bare
        lifecycle = "{name: Theirs, placementType: Banner, coppa: false, floorPrices: {US: 1}}"
        declare(project, lifecycle)
        done = applied(project)
        assert done.code == 3
        assert result(done, "android:com.a/Theirs")["outcome"] in {"unknown", "blocked"}
        assert str(account.theirs) in result(done, "android:com.a/Theirs")["error"]
        others_are_as_before(account)
        assert str(account.theirs) not in (ledger_ids(project) if (project.root / "reconciler.lock").exists() else [])

    def test_a_ledger_with_one_id_twice_is_refused(self, project, account):
        assert applied(project).code == 0
        lock = project.root / "reconciler.lock"
        line = next(line for line in lock.read_text().splitlines() if HARD_ADDRESS in line)
        lock.write_text(f"{lock.read_text()}{line.replace(NAME, 'zzz')}\n")
        account.asked.clear()
        for command in (("plan",), ("apply", "--yes")):
            done = project.call(*command)
            assert done.code == 1, done.out
            assert str(own(account)[0]) in done.err
            assert "Traceback" not in done.err
        assert account.writes == []


@each("lists", [0, 60], ids=["lists show it", "lists lag as well"])
def test_what_was_made_moments_ago_is_not_visible_yet(tmp_path, rivals, lists):
    rival = rivals(Spelling(post="id"))
    rival.add_app(name="A", bundle="com.a")
    project = Project(tmp_path / "project", rival.url)
    project.write("reconciler.yaml", SETTINGS)
    declare(project, HARD)
    rival.doubt.find_lag, rival.doubt.list_lag = 60, lists
    done = applied(project)
    assert result(done)["outcome"] in {"applied", "unverified"}, done.out
    assert (done.code, result(done)["id"]) == (0, str(max(rival.placements)))
    shown = [project.call("plan"), project.call("plan", "--recreate"), project.call("apply", "--yes", "--recreate")]
    for told in shown:
        assert "--recreate" not in told.out + told.err, told.out + told.err
        assert "missing" not in told.out
        assert lists == 0 or "not visible yet" in told.out + told.err, told.out + told.err
    assert (len(posts(rival)), len(rival.placements)) == (1, 1)


class TestTwoCheckouts:
    @pytest.fixture
    def done(self, project, account, tmp_path):
        """Ours applies wholly while the other checkout is about to send its first create; what the other left."""
        theirs = Project(tmp_path / "theirs", account.url)
        declare(project, HARD, MORE)
        for name in ("reconciler.yaml", "apps/a.yaml"):
            theirs.write(name, project.read(name))
        came, go = threading.Event(), threading.Event()

        def before(asked):
            if asked.method == "POST" and asked.path == PLACEMENT and not came.is_set():
                came.set()
                assert go.wait(30)

        account.before = before
        running = theirs.start("apply", "--yes", "--format", "json", "--parallelism", "1")
        try:
            assert came.wait(30)
            first = applied(project)
        finally:
            go.set()
        out, _ = running.communicate(timeout=60)
        return first, running.returncode, json.loads(out), theirs

    def test_the_second_names_both_ids_and_exits_3(self, account, done):
        first, code, told, _ = done
        assert (first.code, code) == (0, 3)
        for name, address in ((NAME, HARD_ADDRESS), ("other", MORE_ADDRESS)):
            ids = [str(key) for key in own(account) if account.placements[key]["name"] == name]
            assert len(ids) == 2
            outcome = next(each for each in told["results"] if each["address"] == address)
            assert outcome["outcome"] == "unknown"
            assert all(each in outcome["error"] for each in ids)
        assert told["summary"]["unknown"] == 2
        others_are_as_before(account)

    def test_so_do_its_text_and_its_journal(self, account, done):
        *_, theirs = done
        history = theirs.call("history").out
        events = (theirs.root / ".reconciler" / "journal.jsonl").read_text()
        assert "unknown" in history
        assert all(str(key) in events for key in own(account))

    def test_and_no_third_is_made_by_either(self, project, account, done):
        *_, theirs = done
        count = len(account.placements)
        account.asked.clear()
        for checkout in (project, theirs):
            for arguments in ((), ("--recreate",)):
                told = checkout.call("plan", "--format", "json", *arguments)
                assert told.json["summary"]["create"] == 0, told.out
        assert applied(project).code in {0, 3}
        assert (len(account.placements), account.writes) == (count, [])


@each("status", REFUSALS)
class TestRefusals:
    def test_a_refusal_of_what_was_done_is_looked_after(self, project, account, status):
        for name, value in answering(status, REFUSALS[status], done=True).items():
            setattr(account, name, value)
        done = applied(project)
        assert (done.code, result(done)["outcome"]) == (0, "applied"), done.out
        assert (len(posts(account)), [str(key) for key in own(account)]) == (1, [result(done)["id"]])

    def test_one_of_what_was_not_done_is_not_sent_again_and_its_words_are_told(self, project, account, status):
        for name, value in answering(status, REFUSALS[status], done=False).items():
            setattr(account, name, value)
        done = applied(project)
        assert done.code == 3
        assert result(done)["outcome"] in {"failed", "unknown"}
        assert str(status) in result(done)["error"]
        assert status != 409 or "a conflict, says the server" in result(done)["error"]
        assert (len(posts(account)), own(account)) == (1, [])

    def test_one_that_is_done_but_not_shown_in_time_is_no_failure(self, project, account, status):
        account.doubt.list_lag = 60
        for name, value in answering(status, REFUSALS[status], done=True).items():
            setattr(account, name, value)
        done = applied(project)
        assert (done.code, result(done)["outcome"]) == (3, "unknown")
        assert len(posts(account)) == 1
