"""Whatever a command prints with --format json is as its published schema says, key by key."""

import re
from types import SimpleNamespace

import pytest
from architecture.source_code import modules, strings
from support.command import Project
from support.evidence import SAMPLES
from support.schemas import of_documents, strict

from reconciler.model.ledger import FORMAT as LEDGER
from reconciler.sandbox.server import RunningSandbox, SandboxOptions

# Ibis calls DuckDB by a name that DuckDB is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

NEW_GAME = """
version: 1
apps:
  - platform: android
    bundle: com.new
    name: New
    category1: Casual
    coppa: false
    placements:
      - {placementType: Banner, name: bottom, floorPrices: {WW: 0.5}}
"""
FORMAT = re.compile(r"reconciler\.\w+/\d+")
ROUND = (
    ("ping",),
    ("list",),
    ("get", "--all"),
    ("pull", "--app", "android:com.cash_crash.54"),
    ("fmt",),
    ("validate",),
    ("plan", "--out", "plan.json"),
    ("rehearse", "plan.json"),
    ("apply", "plan.json", "--yes"),
    ("show", "plan.json"),
    ("drift", "--since", "1d"),
    ("history",),
    ("floors", "fetch"),
    ("floors", "suggest"),
    ("floors", "suggest", "--explain", "android:com.cash_crash.54/int_13", "US"),
    ("floors", "backtest"),
    ("floors", "write"),
    ("reports", "mediation"),
    ("reports", "import", str(SAMPLES / "max.csv")),
)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What each command of a round on the sandbox printed."""
    with RunningSandbox(SandboxOptions(seed="demo")) as sandbox:
        project = Project(tmp_path_factory.mktemp("round"), sandbox.url)
        for api in ("DT_REPORTING", "CHARTBOOST"):
            project.env |= {f"{api}_CLIENT_ID": "id-canary", f"{api}_CLIENT_SECRET": "secret-canary"}
        project.env |= dict.fromkeys(("DT_REPORTING_URL", "CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL"), sandbox.url)
        project.write("apps/new.yaml", NEW_GAME)
        return {call: project.call(*call, "--format", "json") for call in ROUND}


@pytest.mark.parametrize("call", ROUND, ids=" ".join)
def test_a_command_prints_what_its_schema_says(told, call):
    done = told[call]
    assert done.code in {0, 2}, done.err
    name = done.json["format"].removeprefix("reconciler.").partition("/")[0]
    strict(name).validate(done.json)


def test_the_round_meets_every_schema(told):
    assert {f"{done.json['format'].split('.')[1].split('/')[0]}.schema.json" for done in told.values()} == {
        *of_documents()
    }


def test_the_documents_of_the_round_are_not_empty(told):
    seen = SimpleNamespace(**{"_".join(call[:2]): done.json for call, done in told.items() if len(call) < 3})
    assert any(run["steps"] for run in seen.history["runs"])
    assert seen.fmt["files"] == ["apps/new.yaml"]
    assert seen.floors_fetch["reports"]
    assert seen.floors_suggest["suggestions"]
    assert seen.floors_write["floors"]


def test_one_suggestion_that_is_explained_is_the_whole_document(told):
    (one,) = told[("floors", "suggest", "--explain", "android:com.cash_crash.54/int_13", "US")].json["suggestions"]
    assert (one["address"], one["country"]) == ("android:com.cash_crash.54/int_13", "US")


def test_every_document_that_the_program_names_is_published():
    named = {text for module in modules() for text, _ in strings(module) if FORMAT.fullmatch(text)}
    assert named - {LEDGER} == {schema["properties"]["format"]["const"] for schema in of_documents().values()}
