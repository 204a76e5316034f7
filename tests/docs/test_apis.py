"""The table of the three APIs: every row has a command that exists, and every name that the code knows has a row."""

import re

import click
import pytest
from architecture.source_code import ROOT, in_rooms, strings

from reconciler.apis import mediation_query as asked
from reconciler.apis import mediation_reports
from reconciler.cli.main import cli
from reconciler.model.field import FIELDS
from reconciler.sandbox import mediation_query
from reconciler.warehouse.user_report_csv import ALIASES, folded

PAGE = (ROOT / "docs" / "apis.md").read_text(encoding="utf-8")
KINDS = {"endpoint", "parameter", "field", "dimension", "metric", "filter", "error", "note"}
QUOTED = re.compile(r"`([^`]+)`")
API_PATH = re.compile(r"/(?:api|auth|oauth|v\d)/[a-z0-9/-]+|/oauth/token")
BESIDE = {
    "app": {"appId", "publisherId", "storeUrl", "rewardedAdSecurityToken"},
    "placement": {"placementId", "appId", "rewardedConfig"},
}
"""Fields of answers that no manifest declares."""


def sections():
    """The rows of each API's table: kind, names, commands."""
    found = {}
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        lines = [line for line in part.splitlines() if line.startswith("| ")]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
        found[part.splitlines()[0]] = rows
    return found


SECTIONS = sections()
MANAGEMENT, USERS, MEDIATION = SECTIONS.values()
ROWS = [(api, row) for api, rows in SECTIONS.items() for row in rows]


def names(rows, *kinds):
    return [name for kind, cell, _, _ in rows if kind in kinds for name in QUOTED.findall(cell)]


def command_at(words):
    """The command that words name, and the words behind its name; None for one that is not there."""
    group, at = cli, 0
    while isinstance(group, click.Group) and at < len(words) and (found := group.get_command(None, words[at])):
        group, at = found, at + 1
    return (None if isinstance(group, click.Group) else group), words[at:]


def test_three_apis_and_no_row_that_is_not_whole():
    assert list(SECTIONS) == ["Management API", "User Level Reporting API", "Mediation Reporting API"]
    for api, row in ROWS:
        assert len(row) == 4, (api, row)
        assert row[0] in KINDS, (api, row)
        assert all(row), f"{api}: {row[1]} has an empty cell"
        assert QUOTED.findall(row[2]), f"{api}: no command uses {row[1]}"


def test_no_name_has_two_rows():
    for api, rows in SECTIONS.items():
        told = [(kind, cell) for kind, cell, _, _ in rows]
        assert len(told) == len(set(told)), api


@pytest.mark.parametrize("text", sorted({text for _, row in ROWS for text in QUOTED.findall(row[2])}))
def test_each_command_and_flag_is_there(text):
    words = text.split()
    command, rest = command_at(words)
    assert command is not None, f"there is no command `{text}`"
    flags = {option for each in command.params for option in each.opts}
    takes = any(isinstance(each, click.Argument) for each in command.params)
    for word in rest:
        assert word in flags or (word.isupper() and takes), f"`{text}`: no {word}"


@pytest.mark.parametrize("kind", ["app", "placement"])
def test_the_fields_are_those_of_the_code(kind):
    told = {name.removeprefix(f"{kind}.") for name in names(MANAGEMENT, "field") if name.startswith(f"{kind}.")}
    assert told == FIELDS[kind].keys() | BESIDE[kind]


@pytest.mark.parametrize("kind", ["app", "placement"])
def test_what_a_create_needs_has_a_row(kind):
    told = {name.removeprefix(f"POST {kind}: ") for name in names(MANAGEMENT, "parameter")}
    assert {name for name, spec in FIELDS[kind].items() if spec.required_to_create} <= told


def test_every_path_in_the_code_has_a_row_and_every_row_a_path():
    told = {name.partition(" ")[2] for name in names([row for _, row in ROWS], "endpoint")}
    known = {text for module in in_rooms("apis") for text, _ in strings(module) if API_PATH.fullmatch(text)}
    assert told == known


def vocabularies(name):
    """Each module's constant of that name, as a set of texts."""
    modules = [mediation_reports, mediation_query, asked]
    for module in modules:
        value = getattr(module, name, ())
        parts = value.values() if hasattr(value, "values") else [value]
        yield {text for part in parts if not isinstance(part, str) for text in part if isinstance(text, str)}


def test_dimensions_metrics_and_filters_are_those_of_the_code():
    assert set(names(MEDIATION, "dimension")) == set(mediation_query.DIMENSIONS) == set(asked.DIMENSIONS)
    assert set(names(MEDIATION, "metric")) == set(mediation_query.METRICS) == set(asked.METRICS)
    assert set(names(MEDIATION, "filter")) == {*mediation_query.LISTS, "network_type"}
    assert {*mediation_query._PARAMETERS} <= set(names(MEDIATION, "parameter"))
    for kind in ("dimension", "metric"):
        for known in vocabularies(f"{kind}s".upper()):
            assert known <= set(names(MEDIATION, kind))
    for known in vocabularies("FILTERS"):
        assert known <= set(names(MEDIATION, "filter"))


def test_every_column_of_user_reports_has_a_row():
    told = {folded(name) for name in names(USERS, "dimension", "metric")}
    for ours, theirs in ALIASES.items():
        assert told & {folded(name) for name in theirs}, f"no row is about {ours}"
