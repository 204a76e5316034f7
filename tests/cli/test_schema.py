"""`schema --project`: schemas that know the project, printed and kept where editors look for them."""

import json

import jsonschema
import pytest

SETTINGS = 'version: 1\npublisherId: "3432"\ncountryGroups: {tier1: [US, CA]}\nsafety: {maxFloor: 20}\n'
FILES = ["manifest.schema.json", "reconciler.schema.json"]


def manifest(floors, **app):
    placement = {"name": "a", "placementType": "Banner", "floorPrices": floors}
    return {"version": 1, "apps": [{"platform": "ios", "bundle": 1, "placements": [placement], **app}]}


def accepts(schema, *documents):
    return [jsonschema.Draft7Validator(schema).is_valid(document) for document in documents]


@pytest.fixture
def of_groups(project):
    project.write("reconciler.yaml", SETTINGS)
    return project


DOCUMENTS = (manifest({"tier1": 1}), manifest({"tier2": 1}), manifest({"US": 21}))


@pytest.mark.parametrize("before", [True, False], ids=["before the command's name", "behind it"])
def test_a_project_that_is_named_is_known_to_its_schemas_which_are_printed_and_kept(of_groups, before):
    folder = str(of_groups.root)
    done = of_groups.call(*(("--project", folder, "schema") if before else ("schema", "--project", folder)))
    assert done.code == 0, done.err
    printed = json.loads(done.out)
    kept = {path.name: json.loads(path.read_text()) for path in (of_groups.root / "schemas").iterdir()}
    assert sorted(kept) == FILES
    assert kept == {name: printed[name] for name in FILES}
    assert accepts(printed["manifest.schema.json"], *DOCUMENTS) == [True, False, False]


def test_without_a_path_the_project_is_the_one_around(of_groups):
    done = of_groups.call("schema", "--project", "--out", "elsewhere")
    assert done.code == 0, done.err
    assert not (of_groups.root / "schemas").exists()
    found = json.loads((of_groups.root / "elsewhere" / "manifest.schema.json").read_text())
    assert accepts(found, *DOCUMENTS) == [True, False, False]


def test_without_the_option_the_schemas_are_those_of_any_project_and_nothing_is_kept(of_groups):
    printed = json.loads(of_groups.call("schema").out)
    assert accepts(printed["manifest.schema.json"], *DOCUMENTS) == [True, True, True]
    assert not (of_groups.root / "schemas").exists()


def test_settings_that_cannot_be_read_are_an_error_and_what_is_kept_stays(of_groups):
    assert of_groups.call("schema", "--project").code == 0
    kept = (of_groups.root / "schemas" / "manifest.schema.json").read_bytes()
    of_groups.write("reconciler.yaml", "version: [")
    done = of_groups.call("schema", "--project")
    assert (done.code, done.out) == (1, "")
    assert "reconciler validate" in done.err
    assert (of_groups.root / "schemas" / "manifest.schema.json").read_bytes() == kept
    (of_groups.root / "reconciler.yaml").unlink()
    assert of_groups.call("schema", "--project").code == 1


def test_a_link_in_the_place_of_the_schemas_is_not_written_through(of_groups, tmp_path):
    (tmp_path / "outside").mkdir()
    (of_groups.root / "schemas").symlink_to(tmp_path / "outside")
    assert of_groups.call("schema", "--project").code == 1
    assert list((tmp_path / "outside").iterdir()) == []
