import pytest

from reconciler.sandbox.quirks import Quirks

CREDENTIALS = {"grant_type": "management_client_credentials", "client_id": "id", "client_secret": "secret"}


@pytest.mark.parametrize(
    ("shape", "one", "none"),
    [
        ("array", lambda row: [row], []),
        ("lone-object", lambda row: row, []),
        ("named", lambda row: {"apps": [row]}, {"apps": []}),
        ("data", lambda row: {"data": [row]}, {"data": []}),
        ("list", lambda row: {"list": [row]}, {"list": []}),
    ],
)
def test_lists_come_in_the_shape_asked_for(api, shape, one, none):
    server = api(list_shape=shape)
    assert server.get("app", publisherId=3432) == (200, none)
    row = server.get("app", appId=server.new_app())[1]
    assert server.get("app", publisherId=3432) == (200, one(row))


def test_placements_are_wrapped_under_their_own_name(api):
    server = api(list_shape="named")
    assert server.get("placement", appId=server.new_app())[1] == {"placements": []}


def test_an_empty_list_of_placements_can_be_an_empty_body(api):
    server = api(empty_list="empty-body")
    app = server.new_app()
    assert server.get("placement", appId=app) == (200, None)
    server.new_placement(app)
    assert len(server.get("placement", appId=app)[1]) == 1


@pytest.mark.parametrize(("unknown_app", "status", "content"), [("empty", 200, []), ("empty-body", 200, None)])
def test_placements_of_an_unknown_app_are_none(api, unknown_app, status, content):
    assert api(unknown_app=unknown_app).get("placement", appId=5) == (status, content)


def test_an_unknown_app_can_be_not_found(api):
    assert api(unknown_app="not-found").get("placement", appId=5)[0] == 404


def test_ids_can_be_numbers(api):
    server = api(ids="number")
    app = server.new_app()
    placement = server.new_placement(app)
    told = server.get("placement", placementId=placement)[1]
    assert (told["placementId"], told["appId"]) == (int(placement), int(app))
    assert server.get("app", appId=app)[1]["publisherId"] == 3432


@pytest.mark.parametrize(
    ("keys", "made_app", "made_placement", "read"),
    [
        ("vendor", "appid", "PlacementId", {"placementId", "createTypes"}),
        ("plain", "appId", "placementId", {"placementId", "creativeTypes"}),
        ("contrary", "appid", "PlacementId", {"PlacementId", "createTypes"}),
    ],
)
def test_keys_are_spelled_as_asked(api, keys, made_app, made_placement, read):
    server = api(keys=keys)
    app = {"name": "a", "bundle": "b", "platform": "ios", "category1": "Books", "coppa": False}
    told = server.post("app", **app)[1]
    assert made_app in told
    assert ("storeURL" in told) == (keys == "contrary")
    body = {"name": "i", "appId": told[made_app], "placementType": "Interstitial", "coppa": False}
    made = server.post("placement", **body, creativeTypes=["video"])[1]
    assert made_placement in made
    assert read <= set(server.get("placement", placementId=made[made_placement])[1])


@pytest.mark.parametrize(("booleans", "yes", "no"), [("text", "true", "false"), ("empty-false", True, "")])
def test_booleans_can_be_text(api, booleans, yes, no):
    server = api(booleans=booleans)
    app = server.new_app()
    assert server.get("app", appId=app)[1]["coppa"] == no
    assert server.put("app", appId=app, coppa=True)[1]["coppa"] == yes


def test_blocks_that_are_off_can_be_shown(api):
    server = api(off_blocks="shown")
    app = server.new_app()
    told = server.get("placement", placementId=server.new_placement(app, "Rewarded"))[1]
    assert told["capping"]["enabled"] is told["pacing"]["enabled"] is False
    assert told["rewardedConfig"]["rewardingType"] == "client"
    assert "rewardedConfig" not in server.get("placement", placementId=server.new_placement(app))[1]


def test_an_update_can_replace(api):
    server = api(put="replace")
    app = server.new_app(rewardedAdUrl="https://x.example")
    assert "rewardedAdUrl" not in server.put("app", appId=app, coppa=True)[1]
    placement = server.new_placement(
        app, skipability="NonSkippable", floorPrices=[{"country": "US", "price": 2}],
        capping={"value": 1, "unit": "day", "enabled": True},
    )  # fmt: skip
    told = server.put("placement", placementId=placement, coppa=True)[1]
    assert not {"skipability", "capping"} & set(told)
    assert told["floorPrices"] == [{"country": "WW", "price": 0.01}]
    assert (told["name"], told["placementType"], told["coppa"]) == ("int", "Interstitial", True)


def test_floors_can_merge(api):
    server = api(floors="merge")
    placement = server.new_placement(server.new_app(), floorPrices=[{"country": "US", "price": 2}])
    server.put("placement", placementId=placement, floorPrices=[{"country": "DE", "price": 3}])
    assert server.account.placements()[0].fields["floorPrices"] == {"WW": 0.01, "US": 2.0, "DE": 3.0}


@pytest.mark.parametrize("hidden", ["skipability", "ssrConfig", "creativeTypes"])
def test_fields_can_be_taken_and_never_given_back(api, hidden):
    server = api(hidden=(hidden,))
    app = server.new_app()
    server.new_placement(app, creativeTypes=["video"], skipability="NonSkippable")
    server.new_placement(app, "Rewarded", ssrConfig={"currency": "c", "amount": 1, "enabled": True})
    shown = {key for row in server.get("placement", appId=app)[1] for key in row}
    spelled = {"skipability": "skipability", "ssrConfig": "rewardedConfig", "creativeTypes": "createTypes"}
    assert spelled.pop(hidden) not in shown
    assert set(spelled.values()) <= shown


def test_an_update_can_answer_with_a_message_or_with_what_was_before(api):
    server = api(put_answer="message")
    app = server.new_app()
    assert server.put("app", appId=app, coppa=True)[1] == {"message": f"App {app} has been updated successfully."}
    server = api(put_answer="stale")
    app = server.new_app()
    assert server.put("app", appId=app, coppa=True)[1]["coppa"] is False
    assert server.get("app", appId=app)[1]["coppa"] is True


def test_a_create_can_answer_with_its_id_or_without(api):
    app = {"name": "a", "bundle": "b", "platform": "ios", "category1": "Books", "coppa": False}
    server = api(create_answer="id", create_status=201)
    assert server.post("app", **app) == (201, {"appid": server.account.apps()[0].id})
    assert set(api(create_answer="no-id").post("app", **app)[1]) == {"message"}


@pytest.mark.parametrize("key", ["message", "msg", "error"])
def test_refusals_can_be_conflicts_under_any_key(api, key):
    server = api(refusal_status=409, message_key=key)
    assert server.post("app", name="x") == (409, {key: "bundle is required."})
    assert server.get("app", appId=1)[0] == 404


def test_a_new_resource_can_take_its_time_to_appear_in_lists(api):
    server = api(appears_after=5)
    app = server.new_app()
    assert server.get("app", publisherId=3432) == (200, [])
    assert server.get("app", appId=app)[0] == 200
    server.clock.time += 5
    assert len(server.get("app", publisherId=3432)[1]) == 1


def test_the_store_can_name_the_app(api):
    server = api(store_names=True)
    assert server.get("app", appId=server.new_app())[1]["name"] == "Crash"
    told = server.post("app", name="Mine", bundle="com.cash_crash.54", platform="android", category1="Finance",
                       coppa=False)[1]  # fmt: skip
    assert told["name"] == "Cash Crash 54"


@pytest.mark.parametrize(
    "wrong", [{"create_status": 204}, {"refusal_status": 500}, {"hidden": ("floors",)}, {"token_seconds": 0}]
)
def test_a_quirk_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        Quirks(**wrong)
