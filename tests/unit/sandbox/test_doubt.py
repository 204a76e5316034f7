"""Servers whose reads lag, which keep values otherwise, and whose answers to writes cannot be believed."""

from itertools import pairwise

import pytest

from reconciler.sandbox.account import StoredResource
from reconciler.sandbox.faults import Echo, Late, OldId, Status
from reconciler.sandbox.quirks import Quirks

each = pytest.mark.parametrize


def shown(server, app):
    return [row["name"] for row in server.get("placement", appId=app)[1]]


def floors(row):
    return {line["country"]: line["price"] for line in row["floorPrices"]}


def price_line(country, price):
    return {"country": country, "price": price}


class TestLag:
    def test_something_new_can_be_read_by_its_id_later_than_in_lists_or_sooner(self, api):
        server = api(appears_after=2, found_after=5)
        app = server.new_app()
        seen = []
        for _ in range(4):
            seen.append((len(server.get("app", publisherId=3432)[1]), server.get("app", appId=app)[0]))
            server.clock.time += 2
        assert seen == [(0, 404), (1, 404), (1, 404), (1, 200)]

    def test_what_cannot_be_read_yet_can_be_changed_and_be_built_on(self, api):
        server = api(appears_after=9, found_after=9)
        app = server.new_app()
        assert server.put("app", appId=app, coppa=True)[0] == 200
        server.new_placement(app)
        server.clock.time += 9
        assert server.get("app", appId=app)[1]["coppa"] is True
        assert shown(server, app) == ["int"]

    def test_reads_show_old_values_for_a_while(self, api):
        server = api(updates_after=5)
        app = server.new_app()
        placement = server.new_placement(app)
        server.clock.time += 10
        assert server.put("placement", placementId=placement, name="new")[1]["name"] == "new"
        server.clock.time += 4
        assert server.get("placement", placementId=placement)[1]["name"] == "int"
        server.put("placement", placementId=placement, name="newer")
        assert shown(server, app) == ["int"]
        server.clock.time += 1
        assert server.get("placement", placementId=placement)[1]["name"] == "new"
        server.clock.time += 4
        assert shown(server, app) == ["newer"]

    def test_lists_show_for_a_while_what_was_deleted_and_reads_by_id_do_not(self, api):
        server = api(updates_after=5)
        app = server.new_app()
        placements = [server.new_placement(app, name=name) for name in ("a", "b")]
        server.clock.time += 5
        server.delete("placement", placementId=placements[0])
        assert shown(server, app) == ["a", "b"]
        assert server.get("placement", placementId=placements[0])[0] == 404
        server.clock.time += 5
        assert shown(server, app) == ["b"]

    def test_of_two_lists_the_later_may_show_less_and_the_same_seed_shows_the_same(self, api):
        def history(chance):
            server = api(replicas=(0, 10), chance=chance)
            app = server.new_app()
            server.clock.time += 11
            server.new_placement(app)
            return [len(shown(server, app)) for _ in range(20)], server, app

        first, server, app = history(1)
        assert {0, 1} == set(first)
        assert any(later < sooner for sooner, later in pairwise(first))
        assert history(1)[0] == first != history(2)[0]
        server.clock.time += 10
        assert {len(shown(server, app)) for _ in range(20)} == {1}

    def test_a_seeded_account_shows_at_once(self, api):
        server = api(appears_after=5, found_after=5)
        server.account.load([StoredResource("app", "7", {"name": "old", "bundle": "b"})])
        assert [row["name"] for row in server.get("app", publisherId=3432)[1]] == ["old"]
        assert server.get("app", appId=7)[0] == 200


class TestKeptOtherwise:
    @each(("names", "kept"), [("sent", " Level_End_of_the_World "), ("lower", " level_end_of_the_world "),
                              ("trim", "Level_End_of_the_World"), ("cut16", " Level_End_of_th"),
                              ("dashes", " Level-End-of-the-World ")])  # fmt: skip
    def test_names_and_bundles(self, api, names, kept):
        server = api(names=names)
        app = server.new_app()
        made = server.post("placement", name=" Level_End_of_the_World ", appId=app, placementType="MREC", coppa=False)
        assert made[1]["name"] == kept == shown(server, app)[0]
        server.put("placement", placementId=made[1]["PlacementId"], name="A_b")
        assert shown(server, app) == [server.account.placements()[0].fields["name"]]
        bundle = server.account.apps()[0].fields["bundle"]
        assert bundle == "com.crash"

    def test_names_as_html_has_them(self, api):
        server = api(names="escape")
        app = server.new_app()
        server.new_placement(app, name="a & <b>")
        assert shown(server, app) == ["a &amp; &lt;b&gt;"]

    def test_prices_to_a_step_and_lines_dropped_and_added(self, api):
        server = api(prices=0.05, drops=("CA",), adds={"US": 0.5})
        app = server.new_app()
        placement = server.new_placement(
            app, floorPrices=[price_line("DE", 1.23), price_line("CA", 2), price_line("FR", 0.01)]
        )
        (row,) = server.get("placement", appId=app)[1]
        assert floors(row) == {"WW": 0.01, "DE": 1.25, "FR": 0.01, "US": 0.5}
        server.put("placement", placementId=placement, floorPrices=[price_line("US", 1.02), price_line("CA", 2)])
        assert floors(server.get("placement", placementId=placement)[1]) == {"WW": 0.01, "US": 1.0}

    def test_what_was_not_sent_is_not_touched(self, api):
        server = api()
        placement = server.new_placement(server.new_app(), name="A_b", floorPrices=[price_line("DE", 1.23)])
        server.management._quirks = Quirks(names="dashes", prices=0.5)
        server.put("placement", placementId=placement, coppa=True)
        told = server.get("placement", placementId=placement)[1]
        assert (told["name"], floors(told)["DE"]) == ("A_b", 1.23)

    @each(("answer", "told"), [("stored", "a"), ("sent", "A")])
    def test_answers_say_so_or_do_not(self, api, answer, told):
        server = api(names="lower", kept_answer=answer)
        app = server.new_app()
        made = server.post("placement", name="A", appId=app, placementType="MREC", coppa=False)[1]
        assert made["name"] == told
        assert server.put("placement", placementId=made["PlacementId"], name="A")[1]["name"] == told
        assert shown(server, app) == ["a"]

    @each("wrong", [{"drops": ("WW",)}, {"drops": ("XX",)}, {"adds": {"XX": 1}}, {"adds": {"US": 0}}, {"prices": -1},
                    {"replicas": ()}, {"replicas": (-1,)}, {"found_after": -1}, {"updates_after": -1}])  # fmt: skip
    def test_a_value_that_is_none_is_refused(self, wrong):
        with pytest.raises(ValueError, match=r"."):
            Quirks(**wrong)


class TestOldIds:
    def test_an_earlier_answer_is_given_again_and_nothing_made(self, api):
        server = api(OldId(on="POST placement", nth=2))
        app = server.new_app()
        first, again = (
            server.post("placement", name=name, appId=app, placementType="MREC", coppa=False)[1] for name in "ab"
        )
        assert again == first
        assert shown(server, app) == ["a"]

    def test_answers_are_shifted_by_one(self, api):
        server = api(OldId(on="POST placement", when="after"))
        app = server.new_app()
        told = [server.post("placement", name=name, appId=app, placementType="MREC", coppa=False)[1] for name in "abc"]
        assert [each["name"] for each in told] == ["a", "a", "b"]
        assert shown(server, app) == ["a", "b", "c"]

    def test_any_id_can_be_answered_with_its_fields_or_without(self, api):
        server = api(OldId(on="POST app", nth=2, id=170001, fields=False), OldId(on="POST app", nth=3, id="99"))
        app = server.new_app()
        body = {"name": "b", "bundle": "b", "platform": "ios", "category1": "Books", "coppa": False}
        assert server.post("app", **body) == (200, {"appid": app})
        assert server.post("app", **body)[1]["appid"] == "99"
        assert [each.id for each in server.account.apps()] == [app]

    def test_a_server_that_makes_nothing_twice_answers_with_what_is_there(self, api):
        server = api(dedup=True)
        app, other = (
            server.new_app(),
            server.post("app", name="Other", bundle="com.other", platform="android", category1="Finance", coppa=False)[
                1
            ]["appid"],
        )
        first = server.post("placement", name="Int_1", appId=app, placementType="MREC", coppa=False)[1]
        again = server.post("placement", name="int-1 ", appId=app, placementType="Banner", coppa=False)[1]
        elsewhere = server.post("placement", name="int-1", appId=other, placementType="Banner", coppa=False)[1]
        assert again == first
        assert elsewhere["PlacementId"] != first["PlacementId"]
        assert shown(server, app) == ["Int_1"]

    def test_updates_and_reads_are_neither_struck_nor_counted(self, api):
        server = api(OldId(nth=2))
        app = server.new_app()
        server.put("app", appId=app, coppa=True)
        server.get("app", publisherId=3432)
        made = server.post("placement", name="a", appId=app, placementType="MREC", coppa=False)
        assert (made[0], shown(server, app)) == (200, ["a"])


class TestEcho:
    def test_an_update_is_answered_as_if_it_were_done_and_changes_nothing(self, api):
        server = api(Echo(times=1), put_answer="message")
        app = server.new_app()
        placement = server.new_placement(app, capping={"value": 1, "unit": "day", "enabled": True})
        sent = {"placementId": placement, "floorPrices": [price_line("US", 2)]}
        told = server.put("placement", **sent)[1]
        assert (floors(told), told["capping"]["value"]) == ({"WW": 0.01, "US": 2}, 1)
        assert floors(server.get("placement", placementId=placement)[1]) == {"WW": 0.01}
        server.put("placement", **sent)
        assert floors(server.get("placement", placementId=placement)[1])["US"] == 2


class TestLate:
    def test_a_call_is_carried_out_later_as_if_at_that_moment(self, api):
        server = api(Late(on="POST placement", nth=1, seconds=8), appears_after=3)
        app = server.new_app()
        body = {"name": "int", "placementType": "MREC", "appId": app, "coppa": False}
        assert server.post("placement", **body)[0] == 0
        for seconds, there, listed in [(0, 0, 0), (7, 0, 0), (1, 1, 0), (2.5, 1, 0), (0.5, 1, 1)]:
            server.clock.time += seconds
            assert (len(server.account.placements()), len(shown(server, app))) == (there, listed)

    def test_late_calls_are_done_in_the_order_in_which_they_are_due_and_all_of_them_at_the_end(self, api):
        server = api(Late(on="POST placement", nth=1, seconds=8), Late(on="POST placement", nth=2, seconds=2))
        app = server.new_app()
        for name in "ab":
            server.post("placement", name=name, placementType="MREC", appId=app, coppa=False)
        server.account.finish()
        assert shown(server, app) == ["b", "a"]
        server.clock.time += 100
        assert len(server.account.placements()) == 2

    def test_a_call_that_would_have_been_refused_makes_nothing_later(self, api):
        server = api(Late(seconds=1))
        server.post("placement", name="a")
        server.clock.time += 1
        assert server.account.placements() == ()


@each("status", [303, 409])
@each("when", ["before", "after"])
def test_a_create_can_be_refused_and_done(api, status, when):
    server = api(Status(on="POST placement", status=status, when=when))
    app = server.new_app()
    assert server.post("placement", name="a", appId=app, placementType="MREC", coppa=False)[0] == status
    assert len(server.account.placements()) == (when == "after")
