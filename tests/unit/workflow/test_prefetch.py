"""What is asked of an account ahead is given once, raises nothing before it is asked for, and keeps nobody waiting."""

from threading import Event, Lock

import pytest

from reconciler.errors import ApiError
from reconciler.model.state import DesiredApp, DesiredPlacement, LiveResource, Source
from reconciler.workflow.prefetch import Prefetch

HERE = Source("apps/a.yaml", 1)


def live_app(resource_id, bundle):
    return LiveResource("app", resource_id, {"platform": "ios", "bundle": bundle})


def app(bundle, *, names=("p",), **more):
    address = f"ios:{bundle}"
    blocks = tuple(DesiredPlacement(f"{address}/{name}", {"name": name}, HERE) for name in names)
    return DesiredApp(address, {"platform": "ios", "bundle": bundle}, HERE, placements=blocks, **more)


class Account:
    """A reader that notes what it is asked for; `held` keeps each answer back, `errors` are raised instead."""

    def __init__(self, *apps):
        self.listed = apps
        self.asked = []
        self.errors = {}
        self.held = None
        self.lists = {}
        self._lock = Lock()

    def apps(self):
        return self._answer("apps", self.listed)

    def placements(self, app_id, *, expected, blocks=None):
        return self._answer((app_id, expected, blocks), self.lists.get(app_id, ()))

    def ask(self, app_id, *, expected, blocks=None):
        answer = self.placements(app_id, expected=expected, blocks=blocks)
        return lambda: answer

    def find(self, kind, resource_id):
        return self._answer((kind, resource_id), None)

    def _answer(self, asked, answer):
        with self._lock:
            self.asked.append(asked)
        if self.held is not None:
            self.held.wait(10)
        error = self.errors.get(asked if isinstance(asked, str) else asked[0])
        if error is not None:
            raise error
        return answer


@pytest.fixture
def account():
    return Account(live_app("1", "a"), live_app("2", "b"), live_app("3", "twin"), live_app("4", "twin"))


@pytest.fixture
def prefetch(account):
    closed = Event()
    made = Prefetch(account, 4, closed.set)
    yield made
    made.close()
    assert closed.wait(10)


def test_each_answer_is_asked_for_once_and_given_once(account, prefetch):
    one, other = app("a"), app("b")
    account.lists = {"1": (LiveResource("placement", "11", {"name": "p"}),)}
    prefetch.expect([one])
    prefetch.apps()
    prefetch.expect([other])
    assert [each.id for each in prefetch.placements("1", expected=True, blocks=one.placements)] == ["11"]
    assert prefetch.placements("2", expected=False, blocks=other.placements) == ()
    assert sorted(account.asked[1:]) == [("1", False, one.placements), ("2", False, other.placements)]
    prefetch.placements("1", expected=True, blocks=one.placements)
    prefetch.apps()
    assert account.asked[3:] == [("1", True, one.placements), "apps"]


def test_apps_are_found_by_pin_or_as_the_only_one_of_their_identity(account, prefetch):
    prefetch.apps()
    prefetch.expect([app("elsewhere", pin="2"), app("twin"), app("nowhere"), app("a", pin="77")])
    prefetch.expect([DesiredApp("ios:b", {"platform": "ios", "bundle": "b"}, HERE)])  # its placements are not managed
    prefetch.expect([DesiredApp("ios:a", {"platform": "ios", "bundle": "a"}, HERE, state="absent")])
    prefetch.placements("2", expected=True, blocks=None)
    prefetch.placements("1", expected=True, blocks=None)
    assert {asked[0] for asked in account.asked[1:]} == {"1", "2"}


def test_a_list_that_was_compared_with_other_blocks_is_asked_for_anew(account, prefetch):
    prefetch.apps()
    prefetch.expect([app("a")])
    other = app("a", names=("q",))
    prefetch.placements("1", expected=False, blocks=other.placements)
    assert account.asked[-1] == ("1", False, other.placements)


def test_an_empty_list_is_judged_by_a_reading_that_knows_what_is_expected(account, prefetch):
    one = app("a")
    prefetch.apps()
    prefetch.expect([one])
    prefetch.placements("1", expected=True, blocks=one.placements)
    assert [asked[1] for asked in account.asked[1:]] == [False, True]


def test_an_error_is_raised_where_the_answer_is_asked_for(account):
    account.errors = {"apps": ApiError("no apps")}
    prefetch = Prefetch(account, 2, lambda: None)
    prefetch.expect([app("a")])
    with pytest.raises(ApiError, match="no apps"):
        prefetch.apps()
    prefetch.close()
    account.errors = {"1": ApiError("no list")}
    prefetch = Prefetch(account, 2, lambda: None)
    prefetch.expect([app("a")])
    prefetch.apps()
    with pytest.raises(ApiError, match="no list"):
        prefetch.placements("1", expected=False)
    prefetch.close()


def test_closing_waits_for_nothing_and_begins_nothing(account):
    closed, account.held = Event(), Event()
    prefetch = Prefetch(account, 1, closed.set)
    prefetch.expect([app("a"), app("b")])
    while not account.asked:
        pass
    prefetch.close()
    assert not closed.is_set()
    account.held.set()
    assert closed.wait(10)
    assert account.asked == ["apps"]
