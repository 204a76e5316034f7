from pathlib import Path

import pytest
from support.command import Project as Commands
from support.reports import Answer, report_server

from reconciler.api import Project
from reconciler.api.mediation import cache_folder
from reconciler.errors import UsageError

each = pytest.mark.parametrize


@each(
    ("platform", "variables", "expected"),
    [
        ("linux", {"HOME": "/home/a"}, "/home/a/.cache/reconciler"),
        ("linux", {"HOME": "/home/a", "XDG_CACHE_HOME": "/cache"}, "/cache/reconciler"),
        ("linux", {"HOME": "/home/a", "XDG_CACHE_HOME": "cache"}, "/home/a/.cache/reconciler"),
        ("darwin", {"HOME": "/Users/a"}, "/Users/a/Library/Caches/reconciler"),
        ("win32", {"LOCALAPPDATA": "/C/a"}, "/C/a/reconciler/Cache"),
        ("win32", {"USERPROFILE": "/C/b"}, "/C/b/AppData/Local/reconciler/Cache"),
    ],
)
def test_the_users_cache_is_where_the_platform_has_it(platform, variables, expected):
    assert cache_folder(variables, platform) == Path(expected)


def test_a_report_can_be_had_from_python(tmp_path):
    commands = Commands(tmp_path / "project")
    with report_server() as server:
        server.metrics = lambda _: Answer(body=b'{"data": [{"country": "USA", "requests": 7}]}')
        commands.env |= dict.fromkeys(("CHARTBOOST_API_URL", "CHARTBOOST_AUTH_URL"), server.url)
        commands.env |= dict.fromkeys(("CHARTBOOST_CLIENT_ID", "CHARTBOOST_CLIENT_SECRET"), "x")
        project = Project.open(commands.root, environ=commands.env)
        found = project.mediation_report(dimensions=["country"], metrics=["requests"], filters={"country": "US"})
        assert found.to_arrow().to_pylist() == [{"country": "USA", "requests": 7}]
        assert server.heard[-1].json["filters"] == {"country": ["USA"]}
        with pytest.raises(UsageError, match="'responses' metric is for network_type 'mediation' only"):
            project.mediation_report(metrics=["responses"])
