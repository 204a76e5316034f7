import pytest
from reconciler.cli.reports import Desk

from reconciler.cli.options import Options
from reconciler.cli.session import Session
from reconciler.errors import ProjectError

APP = "version: 1\napps: [{{platform: ios, bundle: {}}}]\n"


@pytest.mark.parametrize("changed", ["apps/a.yaml", "apps/b.yaml"])
def test_floors_go_into_no_other_manifests_than_those_they_were_suggested_for(tmp_path, changed):
    (tmp_path / "reconciler.yaml").write_text('version: 1\npublisherId: "3432"\n')
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "a.yaml").write_text(APP.format("com.a"))
    desk = Desk.of(Session.of(Options(tmp_path, "text", True, 0, "text", 1)))
    assert [text.file for text in desk.manifests()] == ["apps/a.yaml"]
    (tmp_path / changed).write_text(APP.format("com.other"))
    with pytest.raises(ProjectError, match="manifests changed"):
        desk.manifests()
