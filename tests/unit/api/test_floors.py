from datetime import date

import pytest

from reconciler.api.floors import FloorsContext
from reconciler.api.workspace import Workspace, WorkspaceOptions
from reconciler.errors import ProjectError
from reconciler.files.project import find_project
from reconciler.floors.decide import Window

APP = "version: 1\napps: [{{platform: ios, bundle: {}}}]\n"


@pytest.mark.parametrize("changed", ["apps/a.yaml", "apps/b.yaml"])
def test_floors_go_into_no_other_manifests_than_those_they_were_suggested_for(tmp_path, changed):
    (tmp_path / "reconciler.yaml").write_text('version: 1\npublisherId: "3432"\n')
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "a.yaml").write_text(APP.format("com.a"))
    workspace = Workspace(find_project(tmp_path, tmp_path), WorkspaceOptions.of({}, None, 1))
    day = date(2026, 11, 1)
    context = FloorsContext(workspace, workspace.settings(), workspace.desired(), Window(day, day, day), day)
    assert [text.file for text in context.manifests()] == ["apps/a.yaml"]
    (tmp_path / changed).write_text(APP.format("com.other"))
    with pytest.raises(ProjectError, match="manifests changed"):
        context.manifests()
