"""What the core asks of a gateway, asked of the fake one and of the real one against the sandbox."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import pytest
from support.builders import canonical, floors
from support.fake_gateway import FakeGateway

from reconciler.api.environment import SystemClock
from reconciler.apis.management.gateway import DtClient, DtGateway
from reconciler.http.auth import Credentials
from reconciler.model.secret import Secret
from reconciler.model.state import LiveResource
from reconciler.ports import Accepted, Gateway, Rejected
from reconciler.sandbox.server import RunningSandbox

UNKNOWN = "987654321"
FULL = canonical({
    "name": "full", "placementType": "Interstitial", "coppa": True, "creativeTypes": ["video", "display"],
    "floorPrices": {"US": 1.2, "NO": 0.35}, "targetingEnabled": True,
    "geo": {"include": False, "countries": ["SG", "BT"]}, "connectivity": ["WIFI"],
    "capping": {"value": 12, "unit": "hour"}, "pacing": {"value": 13, "unit": "second"}, "skipability": "NonSkippable",
})  # fmt: skip


@pytest.fixture(scope="module")
def real():
    credentials = Credentials(Secret("id"), Secret("secret"))
    with RunningSandbox() as sandbox, DtClient(sandbox.url, credentials, clock=SystemClock()) as client:
        yield DtGateway(client, "3432")


bundles = count()


@dataclass
class World:
    """A gateway, and short ways to put things into its account."""

    gateway: Gateway

    def app(self, **fields):
        """A new app under a bundle of its own; its id."""
        bundle = f"com.contract{next(bundles)}"
        known = {"platform": "android", "bundle": bundle, "name": "A", "category1": "Finance", "coppa": False, **fields}
        made = self.gateway.create("app", known, app_id=None)
        assert isinstance(made, Accepted)
        return made.id

    def placement(self, app_id, **fields):
        """A new placement as it is found by its id."""
        known = {"name": "int", "placementType": "Interstitial", "coppa": False, **fields}
        made = self.gateway.create("placement", known, app_id=app_id)
        assert isinstance(made, Accepted)
        return self.gateway.find("placement", made.id)

    def again(self, resource):
        return self.gateway.find(resource.kind, resource.id)


@pytest.fixture(params=["fake", "real"])
def world(request):
    return World(FakeGateway() if request.param == "fake" else request.getfixturevalue("real"))


def test_an_app_that_was_made_is_in_the_list_and_found_by_its_id(world):
    app_id = world.app(coppa=True, rewardedAdUrl="https://example.com/?u={{USER_ID}}")
    found = world.gateway.find("app", app_id)
    assert found in world.gateway.apps()
    assert (found.kind, found.id, found.app_id) == ("app", app_id, None)
    assert found.fields | {"status": "active", "coppa": True, "name": "A", "category1": "Finance"} == found.fields
    assert found.fields["rewardedAdUrl"] == "https://example.com/?u={{USER_ID}}"


def test_an_app_is_made_inactive_where_that_is_asked(world):
    assert world.gateway.find("app", world.app(status="inactive")).fields["status"] == "inactive"


def test_ids_are_texts_that_no_two_resources_of_a_kind_share(world):
    first, second = world.app(), world.app()
    assert isinstance(first, str)
    assert first != second


def test_an_app_without_placements_has_an_empty_list(world):
    assert world.gateway.placements(world.app(), expected=False) == ()


def test_a_placement_comes_back_as_it_was_sent(world):
    app_id = world.app()
    found = world.placement(app_id, **FULL)
    assert world.gateway.placements(app_id, expected=True) == (found,)
    assert (found.kind, found.app_id) == ("placement", app_id)
    assert {name: found.fields[name] for name in FULL} == FULL
    assert found.fields["status"] == "active"


def test_the_worldwide_floor_is_there_without_being_sent(world):
    assert world.placement(world.app()).fields["floorPrices"] == floors(WW=0.01)


@pytest.mark.parametrize(
    "fields",
    [{"placementType": "Rewarded", "ssrConfig": {"currency": "coins", "amount": 10}},
     {"placementType": "Banner", "bannerRefresh": 45}, {"placementType": "MREC"}],
    ids=lambda fields: fields["placementType"],
)  # fmt: skip
def test_every_type_of_placement_can_be_made_with_what_it_alone_has(world, fields):
    found = world.placement(world.app(), **fields)
    assert found.fields | fields == found.fields


def test_what_is_off_is_said_to_be_off(world):
    found = world.placement(world.app())
    assert {name: found.fields[name] for name in ("geo", "connectivity", "capping", "pacing")} == dict.fromkeys(
        ("geo", "connectivity", "capping", "pacing")
    )
    assert found.fields["targetingEnabled"] is False


def test_a_placement_is_born_active_whatever_was_sent(world):
    assert world.placement(world.app(), status="inactive").fields["status"] == "active"


def test_the_answer_to_a_write_says_only_what_is_so(world):
    app_id = world.app()
    made = world.gateway.create("placement", FULL, app_id=app_id)
    found = world.gateway.find("placement", made.id)
    assert (made.attempts, None in made.said.values()) == (1, False)
    assert {name: found.fields[name] for name in made.said} == made.said
    changed = world.gateway.update(found, {"coppa": False})
    assert isinstance(changed, Accepted)
    assert changed.said.get("coppa", False) is False


@pytest.mark.parametrize(
    "sent",
    [{"name": "renamed"}, {"status": "inactive"}, {"coppa": False}, {"floorPrices": floors(US=3)}, {"capping": None},
     {"pacing": {"value": 1, "unit": "day"}}, {"creativeTypes": ("video",)}],
    ids=lambda sent: next(iter(sent)),
)  # fmt: skip
def test_an_update_changes_what_was_sent_and_nothing_else(world, sent):
    before = world.placement(world.app(), **FULL)
    assert isinstance(world.gateway.update(before, sent), Accepted)
    after = world.again(before)
    assert after.fields == {**before.fields, **sent}
    assert (after.id, after.app_id) == (before.id, before.app_id)


def test_targeting_can_be_taken_off(world):
    before = world.placement(world.app(), **FULL)
    off = {"targetingEnabled": False, "geo": None, "connectivity": None}
    assert isinstance(world.gateway.update(before, off), Accepted)
    assert world.again(before).fields == {**before.fields, **off}


def test_a_reward_can_be_changed_and_taken_off(world):
    before = world.placement(world.app(), placementType="Rewarded", ssrConfig={"currency": "coins", "amount": 10})
    for reward in ({"currency": "gems", "amount": 2}, None):
        assert isinstance(world.gateway.update(before, {"ssrConfig": reward}), Accepted)
        assert world.again(before).fields["ssrConfig"] == reward


def test_the_same_update_twice_is_the_same_as_once(world):
    before = world.placement(world.app(), **FULL)
    once = [world.gateway.update(before, {"coppa": False}) and world.again(before) for _ in range(2)]
    assert once[0] == once[1]


def test_an_app_can_be_changed(world):
    before = world.gateway.find("app", world.app())
    assert isinstance(world.gateway.update(before, {"status": "inactive", "coppa": True}), Accepted)
    assert world.again(before).fields == {**before.fields, "status": "inactive", "coppa": True}


def test_two_of_a_name_may_stand_side_by_side_so_that_a_create_sent_twice_is_two(world):
    app_id = world.app()
    first, second = world.placement(app_id), world.placement(app_id)
    assert first.id != second.id
    assert len(world.gateway.placements(app_id, expected=True)) == 2


def test_a_list_holds_the_placements_of_its_app_and_of_no_other(world):
    one, other = world.app(), world.app()
    mine, theirs = world.placement(one, name="mine"), world.placement(other, name="theirs")
    assert world.gateway.placements(one, expected=True) == (mine,)
    assert world.gateway.placements(other, expected=True) == (theirs,)


@pytest.mark.parametrize("kind", ["app", "placement"])
def test_what_is_not_there_is_none(world, kind):
    assert world.gateway.find(kind, UNKNOWN) is None


@pytest.mark.parametrize("kind", ["app", "placement"])
def test_what_is_not_there_can_be_neither_changed_nor_deleted(world, kind):
    nobody = LiveResource(kind, UNKNOWN, {"name": "x", "status": "active"}, "1" if kind == "placement" else None)
    assert isinstance(world.gateway.update(nobody, {"status": "inactive"}), Rejected)
    assert isinstance(world.gateway.delete(kind, UNKNOWN), Rejected)


def test_a_placement_cannot_be_made_in_an_app_that_is_not_there(world):
    wanted = {"name": "x", "placementType": "MREC", "coppa": False}
    refused = world.gateway.create("placement", wanted, app_id=UNKNOWN)
    assert isinstance(refused, Rejected)
    assert refused.message


def test_what_was_deleted_is_gone(world):
    app_id = world.app()
    gone, stays = world.placement(app_id, name="gone"), world.placement(app_id, name="stays")
    assert isinstance(world.gateway.delete("placement", gone.id), Accepted)
    assert world.again(gone) is None
    assert world.gateway.placements(app_id, expected=True) == (stays,)


def test_an_app_takes_its_placements_with_it(world):
    app_id = world.app()
    placement = world.placement(app_id)
    assert isinstance(world.gateway.delete("app", app_id), Accepted)
    assert world.gateway.find("app", app_id) is None
    assert world.again(placement) is None


def test_many_threads_may_write_at_once(world):
    app_id = world.app()
    with ThreadPoolExecutor(8) as workers:
        made = list(workers.map(lambda number: world.placement(app_id, name=f"p{number}"), range(24)))
    assert len({each.id for each in made}) == 24
    assert {each.name for each in world.gateway.placements(app_id, expected=True)} == {f"p{n}" for n in range(24)}


def test_reading_changes_nothing(world):
    app_id = world.app()
    world.placement(app_id, **FULL)
    assert world.gateway.placements(app_id, expected=True) == world.gateway.placements(app_id, expected=True)
    assert world.gateway.apps() == world.gateway.apps()
