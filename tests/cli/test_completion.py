"""A shell completes commands, options and addresses; it never waits for a server, and never sees a complaint."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from reconciler.cli.main import cli

MANIFEST = """
version: 1
apps:
  - platform: android
    bundle: com.a
    placements:
      - {name: int_1, placementType: Interstitial}
      - {name: "two words", placementType: Banner}
    waterfalls:
      - {name: level, placementType: MREC, tiers: [{name: high}, {name: low}]}
  - {platform: ios, bundle: 1234567}
"""
OF_A = [f"android:com.a/{name}" for name in ("int_1", "level_high", "level_low", "two words")]
ALL = ["android:com.a", *OF_A, "ios:1234567"]

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "apps").mkdir()
    (tmp_path / "reconciler.yaml").write_text('version: 1\npublisherId: "3432"\n')
    (tmp_path / "apps" / "a.yaml").write_text(MANIFEST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def completed(*arguments, incomplete=""):
    found = ShellComplete(cli, {}, "reconciler", "_RECONCILER_COMPLETE").get_completions(list(arguments), incomplete)
    return [item.value for item in found]


def test_commands_are_completed_and_those_of_a_group():
    assert completed(incomplete="v") == ["validate"]
    assert {"suggest", "fetch"} <= set(completed("floors"))


@pytest.mark.parametrize(
    "before",
    [
        ("history",),
        ("plan", "--only"),
        ("apply", "--only", "ios:*", "--only"),
        ("floors", "suggest", "--only"),
        ("floors", "suggest", "--explain"),
        ("floors", "write", "--only"),
        ("drift", "--only"),
    ],
)
def test_an_address_is_completed_from_the_manifests(project, before):
    assert completed(*before, incomplete="") == ALL
    assert completed(*before, incomplete="android:com.a/level") == [
        "android:com.a/level_high",
        "android:com.a/level_low",
    ]
    assert completed(*before, incomplete="android:com.b") == []


def test_choices_are_completed():
    assert completed("floors", "fetch", "--source", incomplete="c") == ["chartboost"]
    assert completed("ping", "--format") == ["text", "json"]


def test_the_project_may_be_named(project, monkeypatch):
    monkeypatch.chdir(project.parent)
    assert completed("history") == []
    assert completed("--project", str(project), "history") == ALL
    assert completed("plan", "--project", str(project), "--only") == ALL


@pytest.mark.parametrize(
    "text",
    [
        "apps: {",
        "apps: [1, {platform: [], bundle: {}}, {platform: ios, placements: 3}]",
        "[]",
        b"\xff\xfe",
        'version: 1\napps:\n  - {platform: ios, bundle: a, placements: [{name: 7}, x, {name: "\\e[2J"}]}',
    ],
)
def test_a_broken_file_is_passed_over_in_silence(project, capfd, text):
    broken = project / "apps" / "b.yaml"
    broken.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert [address for address in completed("history") if address != "ios:a"] == ALL
    assert capfd.readouterr() == ("", "")


def test_settings_that_cannot_be_read_leave_the_usual_place(project, capfd):
    (project / "reconciler.yaml").write_text("version: [")
    assert completed("history") == ALL
    (project / "reconciler.yaml").unlink()
    assert completed("history") == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("typed", "replies"),
    [
        ("reconciler his", ["history"]),
        ("reconciler history android:com.a/int", ["com.a/int_1"]),
        ("reconciler history ios:", ["1234567"]),
        ("reconciler history android:com.a/two", [r"com.a/two\ words"]),
        ("reconciler plan --only 'android:com.a/int", ["android:com.a/int_1"]),
        ("reconciler plan --format ", ["text", "json"]),
    ],
)
@needs_bash
def test_bash_gets_what_stands_behind_the_colon(project, typed, replies):
    script = f"""
        reconciler() {{ {sys.executable} -m reconciler "$@"; }}
        source <(reconciler completion bash)
        COMP_LINE={_quoted(typed)} COMP_POINT=${{#COMP_LINE}}
        COMP_WORDS=({" ".join(map(_quoted, _as_bash_parts(typed)))})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _reconciler_completion reconciler
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[: len(replies)] == replies, done.stderr
    assert done.stderr == ""


def _as_bash_parts(typed):
    """The words as bash takes them apart: at blanks and colons, but not behind a quote."""
    if "'" in typed:
        before, _, rest = typed.partition("'")
        return [*before.split(), f"'{rest}"]
    words = typed.replace(":", " : ").split()
    return [*words, ""] if typed.endswith(" ") else words


def _quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_is_printed_and_asks_the_program(shell, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "completion", shell],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_RECONCILER_COMPLETE={shell}_complete" in done.stdout
    if shutil.which(shell):
        path = Path(tmp_path) / "script"
        path.write_text(done.stdout)
        subprocess.run([shell, "-n", str(path)], timeout=60, check=True)
