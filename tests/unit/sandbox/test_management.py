import json

import pytest

APP = {"publisherId": "3432", "name": "Crash", "bundle": "com.crash", "platform": "android", "category1": "Finance",
       "coppa": False}  # fmt: skip
CREDENTIALS = {"grant_type": "management_client_credentials", "client_id": "id", "client_secret": "secret"}


class TestAuthentication:
    def test_good_credentials_give_a_token_for_an_hour(self, api):
        status, told = api().post("auth", **CREDENTIALS)
        assert status == 200
        assert told["accessToken"]
        assert (told["tokenType"], told["expiresIn"]) == ("bearer", 3600)

    @pytest.mark.parametrize(
        "change", [{"grant_type": "management_client"}, {"client_id": ""}, {"client_secret": None}]
    )
    def test_an_incomplete_request_is_invalid(self, api, change):
        assert api().post("auth", **{**CREDENTIALS, **change}) == (400, {"error": "invalid_request"})

    def test_a_body_that_is_not_json_is_invalid(self, api):
        assert api().raw("POST", "/api/v2/management/auth", body=b"grant_type=x").status == 400

    def test_the_wrong_secret_is_refused(self, api):
        assert api().post("auth", **{**CREDENTIALS, "client_secret": "wrong"}) == (400, {"error": "invalid_client"})

    def test_only_the_fixed_pair_is_taken_where_there_is_one(self, api):
        fixed = api(credentials=("id", "other"))
        assert fixed.post("auth", **CREDENTIALS) == (400, {"error": "invalid_client"})
        assert fixed.post("auth", **{**CREDENTIALS, "client_secret": "other"})[0] == 200

    def test_no_call_is_possible_without_a_good_token(self, api):
        server = api()
        server.token = "made up"
        for resource in ("app", "placement"):
            for method in ("GET", "POST", "PUT", "DELETE"):
                assert server.ask(method, resource) == (401, {"error": "invalid_token"})

    def test_a_token_ends_when_it_was_said_to(self, api):
        server = api(token_seconds=10)
        server.token = server.post("auth", **CREDENTIALS)[1]["accessToken"]
        assert server.get("app", publisherId=3432) == (200, [])
        server.clock.time += 10
        assert server.get("app", publisherId=3432)[0] == 401

    def test_the_lifetime_can_come_as_text(self, api):
        assert api(expires_in="text").post("auth", **CREDENTIALS)[1]["expiresIn"] == "3600"


class TestApps:
    def test_a_create_answers_in_the_odd_spelling_and_a_read_in_the_other(self, api):
        server = api()
        status, made = server.post("app", **APP)
        assert status == 200
        assert isinstance(made["appid"], str)
        assert "appId" not in made
        _, read = server.get("app", appId=made["appid"])
        assert read == {"appId": made.pop("appid"), **made}
        assert read["storeUrl"].endswith("id=com.crash")
        assert len(read["rewardedAdSecurityToken"]) == 64

    def test_apps_are_listed_for_their_publisher(self, api):
        server = api()
        ours = server.new_app()
        server.post("app", **{**APP, "publisherId": 77})
        assert [app["appId"] for app in server.get("app", publisherId=3432)[1]] == [ours]
        assert len(server.get("app", publisherId=77)[1]) == 1

    def test_an_update_touches_status_coppa_and_callback_and_overlooks_the_rest(self, api):
        server = api()
        app_id = server.new_app()
        sent = {"appId": int(app_id), "status": "inactive", "coppa": True, "rewardedAdUrl": "https://x.example/{{A}}"}
        status, told = server.put("app", **sent, name="Other", category1="No such")
        assert status == 200
        assert (told["status"], told["coppa"], told["rewardedAdUrl"]) == ("inactive", True, "https://x.example/{{A}}")
        assert (told["name"], told["category1"]) == ("Crash", "Finance")

    @pytest.mark.parametrize("missing", ["name", "bundle", "platform", "category1", "coppa"])
    def test_what_a_create_needs_is_needed(self, api, missing):
        body = {name: value for name, value in APP.items() if name != missing}
        assert api().post("app", **body) == (400, {"message": f"{missing} is required."})

    @pytest.mark.parametrize(
        "change", [{"coppa": "false"}, {"platform": "Android"}, {"status": "paused"}, {"name": 3}, {"rewardedAdUrl": 1}]
    )
    def test_a_wrong_value_is_refused(self, api, change):
        assert api().post("app", **{**APP, **change})[0] == 400

    def test_an_empty_boolean_is_false(self, api):
        assert api().post("app", **{**APP, "coppa": ""})[1]["coppa"] is False

    @pytest.mark.parametrize(("platform", "category"), [("android", "finance"), ("ios", "Puzzle")])
    def test_an_unknown_category_is_a_conflict_that_lists_the_valid_ones(self, api, platform, category):
        status, told = api().post("app", **{**APP, "platform": platform, "category1": category})
        assert (status, told["message"]) == (409, "Invalid store category1")
        assert "Finance" in told["validCategories"]
        assert api().post("app", **{**APP, "category2": "x"})[1]["message"] == "Invalid store category2"
        assert api().post("app", **{**APP, "category1": 3})[0] == 409

    def test_deleting_an_app_deletes_its_placements(self, api):
        server = api()
        gone, stays = server.new_app(), server.new_app()
        server.new_placement(gone)
        kept = server.new_placement(stays)
        assert server.delete("app", appId=gone) == (200, {"message": f"App {gone} has been deleted successfully."})
        assert server.get("app", appId=gone)[0] == 404
        assert server.get("placement", appId=gone) == (200, [])
        assert [placement.id for placement in server.account.placements()] == [kept]

    def test_ids_are_never_given_twice(self, api):
        server = api()
        first = server.new_app()
        server.delete("app", appId=first)
        assert int(server.new_app()) > int(first)

    def test_twins_are_possible(self, api):
        server = api()
        assert server.new_app() != server.new_app()
        app = server.new_app()
        assert server.new_placement(app) != server.new_placement(app)


class TestPlacements:
    def test_a_placement_comes_back_as_the_vendor_shows_it(self, api):
        server = api()
        app = server.new_app()
        status, made = server.post(
            "placement", name="reward", appId=app, placementType="Rewarded", coppa=True, status="inactive",
            ssrConfig={"currency": "dollars", "amount": 3456, "enabled": True}, targetingEnabled=True,
            geo={"include": True, "countries": ["SG", "BT"]}, connectivity=["WIFI"],
            floorPrices=[{"country": "AF", "price": 0.05}, {"country": "SG", "price": 0.03}],
            capping={"value": 12, "unit": "minute", "enabled": True},
            pacing={"value": 13, "unit": "second", "enabled": False},
        )  # fmt: skip
        assert status == 200
        lines = made.pop("floorPrices")
        assert sorted(map(tuple, map(dict.values, lines))) == [("AF", 0.05), ("SG", 0.03), ("WW", 0.01)]
        assert made == {
            "PlacementId": server.account.placements()[0].id, "name": "reward", "appId": app,
            "placementType": "Rewarded", "status": "active", "coppa": True,
            "rewardedConfig": {"id": "", "currency": {"id": "dollars", "appId": "", "currency": "dollars"},
                               "amount": 3456, "rewardingType": "server", "placementId": ""},
            "targetingEnabled": True, "geo": {"include": True, "countries": ["BT", "SG"]}, "connectivity": ["WIFI"],
            "capping": {"value": 12, "unit": "minute", "enabled": True},
        }  # fmt: skip

    def test_floors_keep_an_order_of_the_servers_own(self, api):
        server = api()
        countries = ["AF", "SG", "US", "GB", "DE", "JP", "WW"]
        lines = [{"country": country, "price": 1} for country in countries]
        placement = server.new_placement(server.new_app(), floorPrices=lines)
        shown = [server.get("placement", placementId=placement)[1]["floorPrices"] for _ in range(2)]
        assert shown[0] == shown[1]
        assert [line["country"] for line in shown[0]] != countries
        assert {line["country"] for line in shown[0]} == set(countries)

    def test_creative_types_are_misspelled_on_reading_alone(self, api):
        server = api()
        app = server.new_app()
        made = server.post("placement", name="i", appId=app, placementType="Interstitial", coppa=False,
                           creativeTypes=["video"])[1]  # fmt: skip
        read = server.get("placement", placementId=made["PlacementId"])[1]
        assert (made["creativeTypes"], read["createTypes"]) == (["video"], ["video"])

    def test_a_number_is_refused_as_the_app_of_a_new_placement(self, api):
        server = api()
        app = int(server.new_app())
        assert server.post("placement", name="i", appId=app, placementType="MREC", coppa=False)[0] == 400

    def test_a_placement_needs_an_app_that_is_there(self, api):
        assert api().post("placement", name="i", appId="1", placementType="MREC", coppa=False)[0] == 404

    @pytest.mark.parametrize(
        "change",
        [
            {"placementType": "Native"},
            {"placementType": None},
            {"coppa": "true"},
            {"coppa": None},
            {"name": " "},
            {"bannerRefresh": 45},
            {"ssrConfig": {"enabled": False}},
            {"floorPrices": {"WW": 1}},
            {"floorPrices": [{"country": "US", "price": 0.009}]},
            {"floorPrices": [{"country": "US", "price": "1"}]},
            {"floorPrices": [{"country": "US", "price": True}]},
            {"floorPrices": [{"country": "UK", "price": 1}]},
            {"floorPrices": [{"country": "US", "price": 1}, {"country": "US", "price": 2}]},
            {"targetingEnabled": True},
            {"targetingEnabled": True, "geo": {"include": True, "countries": []}},
            {"targetingEnabled": True, "geo": {"include": "yes", "countries": ["US"]}},
            {"targetingEnabled": True, "connectivity": ["5G"]},
            {"capping": {"value": 0, "unit": "minute", "enabled": True}},
            {"capping": {"value": 1, "unit": "week", "enabled": True}},
            {"capping": {"value": 1.5, "unit": "day", "enabled": True}},
            {"capping": 3},
            {"floorPrices": [3]},
            {"targetingEnabled": True, "connectivity": "WIFI"},
            {"targetingEnabled": True, "geo": {"include": True, "countries": "US"}},
            {"creativeTypes": []},
            {"creativeTypes": ["audio"]},
        ],
    )
    def test_a_wrong_value_is_refused(self, api, change):
        server = api()
        body = {"name": "i", "appId": server.new_app(), "placementType": "Interstitial", "coppa": False, **change}
        status, told = server.post("placement", **body)
        assert status == 400, told
        assert told["message"]
        assert server.account.placements() == ()

    def test_blocks_that_are_off_come_back_absent(self, api):
        server = api()
        app = server.new_app()
        placement = server.new_placement(
            app, targetingEnabled=False, geo={"include": True, "countries": ["US"]}, connectivity=["WIFI"],
            capping={"value": 1, "unit": "day", "enabled": False}, pacing={"value": 1, "unit": "day"},
        )  # fmt: skip
        told = server.get("placement", placementId=placement)[1]
        assert not {"geo", "connectivity", "capping", "pacing", "rewardedConfig"} & set(told)
        assert told["targetingEnabled"] is False

    def test_an_update_merges_and_replaces_the_table_of_floors(self, api):
        server = api()
        placement = server.new_placement(
            server.new_app(), skipability="NonSkippable", capping={"value": 1, "unit": "day", "enabled": True},
            floorPrices=[{"country": "US", "price": 2}, {"country": "WW", "price": 1}],
        )  # fmt: skip
        status, told = server.put(
            "placement", placementId=int(placement), name="new", status="inactive", placementType="Banner", appId="9",
            floorPrices=[{"country": "DE", "price": 3}],
        )  # fmt: skip
        assert status == 200
        assert (told["name"], told["status"], told["placementType"]) == ("new", "inactive", "Interstitial")
        fields = server.account.placements()[0].fields
        assert fields["floorPrices"] == {"WW": 0.01, "DE": 3.0}
        assert (fields["skipability"], fields["capping"]) == ("NonSkippable", {"value": 1, "unit": "day"})

    def test_an_update_can_switch_blocks_off(self, api):
        server = api()
        placement = server.new_placement(
            server.new_app(), targetingEnabled=True, geo={"include": True, "countries": ["US"]}, connectivity=["WIFI"],
            capping={"value": 1, "unit": "day", "enabled": True},
        )  # fmt: skip
        server.put("placement", placementId=placement, capping={"enabled": False}, connectivity=[])
        fields = server.account.placements()[0].fields
        assert "capping" not in fields
        assert "connectivity" not in fields
        assert fields["geo"] == {"include": True, "countries": ["US"]}
        assert server.put("placement", placementId=placement, geo=None)[0] == 400
        assert server.put("placement", placementId=placement, targetingEnabled=False)[0] == 200
        assert "geo" not in server.account.placements()[0].fields

    def test_a_delete_says_what_it_deleted(self, api):
        server = api()
        placement = server.new_placement(server.new_app())
        told = {"message": f"Placement {placement} has been deleted successfully."}
        assert server.delete("placement", placementId=placement) == (200, told)
        assert server.delete("placement", placementId=placement)[0] == 404


class TestRefusals:
    @pytest.mark.parametrize("resource", ["app", "placement"])
    @pytest.mark.parametrize("unknown", ["1", "abc", "9" * 40, "-1", "١٢"])
    def test_an_unknown_id_is_not_found(self, api, resource, unknown):
        server = api()
        key = f"{resource}Id"
        answers = (server.get(resource, **{key: unknown}), server.put(resource, **{key: unknown}),
                   server.delete(resource, **{key: unknown}))  # fmt: skip
        assert {status for status, _ in answers} == {404}
        assert all(told["message"] for _, told in answers)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
    def test_a_body_that_is_no_json_mapping_is_refused(self, api, body):
        server = api()
        for method in ("POST", "PUT", "DELETE"):
            assert server.raw(method, "/api/management/v1/app", body=body).status == 400

    def test_an_update_or_delete_without_an_id_is_refused(self, api):
        assert api().put("app", status="active")[0] == 400
        assert api().delete("placement", placementId=True)[0] == 400

    def test_a_read_needs_to_say_of_what(self, api):
        assert api().get("app")[0] == api().get("placement")[0] == 400

    def test_unknown_addresses_and_methods_are_told(self, api):
        assert api().raw("GET", "/api/v9/app").status == 404
        assert api().raw("PATCH", "/api/management/v1/app").status == 405


def test_a_list_shows_what_was_written_a_moment_ago(api):
    server = api()
    app = server.new_app()
    for count in range(3):
        assert len(server.get("placement", appId=app)[1]) == count
        server.new_placement(app, name=str(count))
    last = server.account.placements()[-1]
    server.account.replace("placement", last.id, {**last.fields, "name": "by hand"})
    assert server.get("placement", appId=app)[1][-1]["name"] == "by hand"
    server.account.clear()
    server.token = server.account.issue_token(60)
    assert server.get("placement", appId=app) == (200, [])
    assert server.account.apps() == ()


def test_answers_are_json_and_say_so(api):
    answer = api().raw("GET", "/api/management/v1/app", {"publisherId": "3432"})
    assert (json.loads(answer.body), dict(answer.headers)[b"content-type"]) == ([], b"application/json")
