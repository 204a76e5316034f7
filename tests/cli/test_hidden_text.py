"""Text that a reviewer does not see as the program would: refused, or told, wherever files are read."""

import pytest
from support.command import ONE_APP as HEAD

BREAKS = ["\x85", "\u2028", "\u2029", "\r"]
each_break = pytest.mark.parametrize("character", BREAKS, ids=["NEL", "LS", "PS", "CR"])


@each_break
def test_a_key_that_is_hidden_in_a_comment_is_never_applied(project, rival, character):
    project.write("apps/a.yaml", HEAD + f"    # as before{character}    status: inactive\n")
    done = project.call("apply", "--yes")
    assert done.code == 1
    assert "apps/a.yaml:8:16: " in done.err
    assert "[line-break]" in done.err
    assert rival.writes == []


@each_break
def test_a_limit_that_is_hidden_in_a_comment_of_the_settings_is_never_in_force(project, rival, character):
    settings = project.read("reconciler.yaml")
    project.write("reconciler.yaml", f"{settings}# limits{character}safety: {{maxDeletes: 100}}\n")
    done = project.call("validate")
    assert done.code == 1
    assert "[line-break]" in done.err + done.out


@each_break
def test_fmt_leaves_a_file_alone_whose_lines_are_in_doubt(project, character):
    project.write("apps/a.yaml", HEAD + f"    # x{character}    status: inactive\n")
    before = (project.root / "apps/a.yaml").read_bytes()
    assert project.call("fmt").code == 1
    assert (project.root / "apps/a.yaml").read_bytes() == before


def test_pull_edits_the_lines_that_git_counts_beside_quoted_separators(project, rival):
    app = rival.add_app(name="A", bundle="com.a")
    rival.add_placement(app, name="p", placementType="Interstitial", bannerRefresh=None, status="active")
    text = (
        'version: 1\nx-note: "one \u2028 two"  # kept\napps:\n  - platform: android\n    bundle: com.a\n    name: A\n'
        "    placements:\n      - {name: p, placementType: Interstitial, status: inactive}  # old\n"
    )
    project.write("apps/a.yaml", text)
    done = project.call("pull")
    assert done.code == 0, done.err
    assert project.read("apps/a.yaml").startswith('version: 1\nx-note: "one \u2028 two"  # kept\n')
    assert "status: active}  # old" in project.read("apps/a.yaml")


def test_a_comment_that_is_shown_in_another_order_than_it_is_read_is_warned_of(project):
    project.write("apps/a.yaml", HEAD + "    # \u202e safe\n")
    done = project.call("validate")
    assert done.code == 0
    assert "U+202E" in done.out
    assert "\u202e" not in done.out
    assert project.call("validate", "--strict").code == 1
