"""The reading after a run: which lists it takes, and what it makes of a write that they do not show."""

import pytest
from support.builders import APP, APP_ID, at, desired_app, desired_placement, live_app, live_placement, live_state
from support.fake_gateway import Leaving
from support.scene import Scene

from reconciler.model.address import app_address

OTHER = app_address("ios", "123")
LIVE = live_state(live_app(), live_placement("1", "a", coppa=False))
CHANGED = desired_app(desired_placement("a", coppa=True))


def afterwards(scene, operation):
    """The ids of what the reading after the run has asked for by an operation."""
    return [call.id for call in scene.gateway.calls[scene.ears.calls :] if call.operation == operation]


class TestWhatIsRead:
    def test_an_app_that_the_run_has_made_is_listed_too(self):
        scene = Scene()
        results = scene.apply(desired_app(desired_placement("a", coppa=False)))
        assert afterwards(scene, "placements") == [results[APP].id]
        assert afterwards(scene, "apps") == [None]
        assert [each.name for each in scene.execution.after.placements[results[APP].id]] == ["a"]

    def test_an_app_that_nothing_was_sent_to_is_not(self):
        live = live_state(*LIVE.resources(), live_app("200", platform="ios", bundle="123"))
        scene = Scene(live)
        scene.apply(CHANGED, desired_app(platform="ios", bundle="123"))
        assert afterwards(scene, "placements") == [APP_ID]
        assert afterwards(scene, "apps") == []


class TestAnUpdateThatTheListLeavesOut:
    def test_is_read_by_id_once_the_settle_time_is_over_and_holds(self):
        scene = Scene(LIVE)
        scene.gateway.script("placements", *[Leaving(frozenset({"1"}))] * 50)
        assert scene.apply(CHANGED)[at("a")].outcome == "applied"
        assert afterwards(scene, "find")[:1] == ["1"]

    def test_is_not_asked_for_by_id_where_the_next_list_shows_it(self):
        scene = Scene(LIVE)
        scene.gateway.script("placements", Leaving(frozenset({"1"})))
        assert scene.apply(CHANGED)[at("a")].outcome == "applied"
        assert (afterwards(scene, "placements"), afterwards(scene, "find")) == ([APP_ID, APP_ID], [])

    @pytest.mark.parametrize("lists", [[], [Leaving(frozenset({"1"}))] * 50])
    def test_has_failed_where_it_is_gone(self, lists):
        class Vanishing(Scene):
            def carry_out(self, plan, parallelism=1):
                self.ears.ended = self._gone
                return super().carry_out(plan, parallelism)

            def _gone(self, result):
                self.ears.results.append(result)
                self.ears.calls = len(self.gateway.calls)
                self.gateway.remove("1")

        scene = Vanishing(LIVE)
        scene.gateway.script("placements", *lists)
        told = scene.apply(CHANGED)[at("a")]
        assert (told.outcome, told.error) == ("failed", "it is gone from the account")
