"""What a command needs of the machine may be odd, narrow, full or gone: it says so in words, and no account is lost."""

import json
import os
import resource
import signal
import subprocess
import sys
from threading import Event
from xml.etree import ElementTree as ET

import pytest
from support.command import ONE_APP, PATIENCE, Done
from support.forking import forked, hangs_on_its_start

from reconciler.cli.session import FINDINGS_FORMATS, PLAN_FORMATS

each = pytest.mark.parametrize

NAME = "Ga\N{GRINNING FACE}me \N{RIGHTWARDS ARROW} \N{LATIN SMALL LETTER E WITH ACUTE}"
MANIFEST = ONE_APP.replace("name: A", f'name: "{NAME}"') + (
    f'    placements:\n      - {{name: "{NAME}", placementType: MREC, coppa: false, floorPrices: {{US: 1}}}}\n'
)
NARROW = (
    {"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "latin-1:strict"}, {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "C"}, {"LC_ALL": "xx_XX.nonsense"},
)  # fmt: skip


def raw(project, *arguments, **env):
    """A command with its bytes."""
    if not hangs_on_its_start(env):
        return forked().run(arguments, project.root, {**project.env, **env}, PATIENCE)
    return subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments], cwd=project.root, env={**project.env, **env},
        stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def fails_in_words(done):
    assert done.code == 1, done.out
    assert "Traceback" not in done.err
    assert "Error" not in done.err.replace("ReconcilerError", "")
    assert done.err.startswith("error: ")


@pytest.fixture
def project(project):
    project.write("apps/a.yaml", MANIFEST)
    return project


class TestNarrowEncodings:
    @each("env", NARROW, ids=lambda env: " ".join(f"{name}={value}" for name, value in env.items()))
    def test_a_plan_is_shown_whatever_the_stream_cannot_hold(self, project, env):
        done = raw(project, "plan", "-v", **env)
        assert done.returncode == 0, done.stderr
        assert b"+ create Ga" in done.stdout

    @each("form", PLAN_FORMATS)
    def test_a_plan_is_shown_in_every_format(self, project, form):
        done = raw(project, "plan", "--format", form, "-v", PYTHONIOENCODING="cp1252")
        assert done.returncode == 0, done.stderr
        assert done.stdout
        assert b"Traceback" not in done.stderr

    @each("form", FINDINGS_FORMATS)
    def test_findings_are_shown_in_every_format(self, project, form):
        project.edit("apps/a.yaml", ("category1", "categori1"))
        done = raw(project, "validate", "--format", form, PYTHONIOENCODING="ascii:strict")
        assert done.returncode == 1
        assert b"categori1" in done.stdout

    def test_a_document_stays_whole_and_loses_nothing(self, project):
        narrow = raw(project, "plan", "--format", "json", PYTHONIOENCODING="cp1252")
        assert {change["address"] for change in json.loads(narrow.stdout)["changes"]} == {
            "android:com.a", f"android:com.a/{NAME}",
        }  # fmt: skip

    def test_xml_and_html_say_the_same_by_references(self, project):
        narrow = raw(project, "plan", "--format", "junit", PYTHONIOENCODING="cp1252").stdout
        wide = raw(project, "plan", "--format", "junit", PYTHONIOENCODING="utf-8").stdout
        told = [[one.get("name") for one in ET.fromstring(text).iter("testcase")] for text in (narrow, wide)]
        assert told[0] == told[1]
        assert any(NAME in name for name in told[0])
        page = raw(project, "plan", "--format", "html", PYTHONIOENCODING="cp1252").stdout
        assert page.isascii()
        assert b"&#128512;" in page

    @each("form", ["text", "json", "markdown"])
    def test_an_apply_gives_its_account_and_ends_as_it_went(self, project, rival, form):
        done = raw(project, "apply", "--yes", "--format", form, "-vv", PYTHONIOENCODING="cp1252")
        assert done.returncode == 0, done.stderr
        assert len(rival.placements) == 1
        assert b"applied" in done.stdout
        assert raw(project, "plan", "--detailed-exitcode", PYTHONIOENCODING="ascii").returncode == 0

    @each("arguments", [["drift"], ["history"], ["pull"], ["fmt"], ["floors", "suggest"], ["show", "p.json"]])
    def test_other_commands_end_as_they_do_on_a_wide_stream(self, project, arguments):
        assert project.call("apply", "--yes").code == 0
        project.edit("apps/a.yaml", ("US: 1", "US: 2"))
        assert project.call("plan", "--out", "p.json").code == 0
        wide, narrow = (raw(project, *arguments, PYTHONIOENCODING=named) for named in ("utf-8", "ascii:strict"))
        assert narrow.returncode == wide.returncode, narrow.stderr
        assert b"Traceback" not in narrow.stderr

    def test_lines_of_logs_and_errors_are_escaped(self, project):
        done = raw(
            project, "plan", "--only", f"{NAME}[", "-vv", "--log-format", "json", PYTHONIOENCODING="ascii:strict"
        )
        assert b"Traceback" not in done.stderr
        assert done.stderr.isascii()
        assert all(json.loads(line) for line in done.stderr.splitlines() if line.startswith(b"{"))


class TestAnAccountWithoutAPlace:
    """After a write the answer is the account of it."""

    def shell(self, project, line, *, afresh=False):
        return project.shell(f"{line}; echo code ${{PIPESTATUS[0]}} >&2", afresh=afresh)

    @each("form", ["text", "json", "markdown"])
    @each("where", ["> /dev/full", ">&-", "| (exec <&-; sleep 0.01)"])
    def test_goes_to_stderr_and_the_exit_code_is_that_of_the_run(self, project, rival, form, where):
        done = self.shell(project, f"reconciler apply --yes --format {form} {where}")
        assert done.err.endswith("code 0\n"), done.err
        assert len(rival.placements) == 1
        assert "applied" in done.err
        assert project.call("plan", "--detailed-exitcode").code == 0

    def test_is_a_whole_document_there(self, project):
        done = self.shell(project, "reconciler apply --yes --format json > /dev/full", afresh=True)
        told = done.err[done.err.index("{") : done.err.rindex("}") + 1]
        assert json.loads(told)["summary"]["applied"] == 2

    def test_of_a_run_that_fails_in_part_keeps_its_code(self, project, rival):
        rival.instead["POST placement"] = lambda _: (400, b'{"message": "no"}')
        done = self.shell(project, "reconciler apply --yes > /dev/full")
        assert done.err.endswith("code 3\n"), done.err
        assert "failed" in done.err

    def test_is_lost_where_no_stream_takes_it_and_nothing_else_is(self, project, rival):
        for where in ("> /dev/full 2>&1", ">&- 2>&-", "2>/dev/full >&-"):
            done = project.shell(f"reconciler apply --yes --format json {where}; echo code $?", afresh=True)
            assert done.out == "code 0\n"
        assert len(rival.placements) == 1
        events = [json.loads(line) for line in project.read(".reconciler/journal.jsonl").splitlines()]
        assert events[-1]["event"] == "run-ended"

    def test_of_a_pull_is_told_as_well(self, project):
        assert project.call("apply", "--yes").code == 0
        (project.root / "apps/a.yaml").unlink()
        done = self.shell(project, "reconciler pull > /dev/full")
        assert done.err.endswith("code 0\n"), done.err
        assert "adopted" in done.err
        assert list((project.root / "apps").iterdir())

    def test_what_only_reads_and_cannot_say_its_answer_has_failed(self, project):
        assert self.shell(project, "reconciler plan > /dev/full").err.endswith("code 1\n")
        assert self.shell(project, "reconciler validate --format json > /dev/full").err.endswith("code 1\n")

    @each("arguments", ["--help", "--version", "plan --help", "schema", "completion bash"])
    def test_help_that_cannot_be_written_fails_in_words(self, project, arguments):
        done = self.shell(project, f"reconciler {arguments} > /dev/full", afresh=True)
        assert "Traceback" not in done.err
        assert "Exception ignored" not in done.err
        assert done.err.endswith("code 1\n"), done.err


def test_no_file_takes_the_number_of_a_closed_stream(project):
    """Whatever a library then wrote to descriptor 1 or 2 would go into the journal."""
    probe = (
        "import os, sys\nfrom reconciler.cli.front import main\ntry:\n    main(['apply', '--yes'])\n"
        "finally:\n    os.write(1, b'stray-1\\n')\n    os.write(2, b'stray-2\\n')\n"
    )
    project.write("probe.py", probe)
    subprocess.run(
        ["bash", "-c", f"exec {sys.executable} -I probe.py <&- >&- 2>&-"], cwd=project.root, env=project.env,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    found = [path for path in project.root.rglob("*") if path.is_file() and path.name != "probe.py"]
    assert not [path for path in found if b"stray-" in path.read_bytes()]
    assert project.call("plan", "--detailed-exitcode").code == 0


def test_a_pipe_that_does_not_block_gets_all_of_it(project):
    """Some CI runners hand on pipes like that; a full one would then be an error."""
    many = "".join(f"      - {{name: 'p{'x' * 300}{n}', placementType: MREC, coppa: false}}\n" for n in range(400))
    project.write("apps/a.yaml", ONE_APP + "    placements:\n" + many)
    read, write = os.pipe()
    os.set_blocking(write, False)
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "plan"], cwd=project.root, env=project.env, stdin=subprocess.DEVNULL,
        stdout=write, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            told = pipe.read()
        err = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 0, err
    assert told.count(b"+ create") == 401


def test_a_closed_terminal_is_a_request_to_stop(project, rival):
    """SIGHUP: the call in flight is finished and recorded, as for Ctrl-C."""
    begun, go_on = Event(), Event()

    def hold(_):
        begun.set()
        go_on.wait(20)

    rival.instead["POST placement"] = hold
    with project.start("apply", "--yes", "--format", "json") as process:
        assert begun.wait(20)
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        go_on.set()
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert json.loads(out)["summary"]["applied"] == 2
    assert len(project.read("reconciler.lock").splitlines()) >= 2


class TestOddMachines:
    def limited(self, project, files, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments], cwd=project.root, env=project.env,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
        )  # fmt: skip
        return Done(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def test_few_descriptors_and_many_workers_do_all_of_it(self, project, rival):
        many = "".join(f"      - {{name: p{n}, placementType: MREC, coppa: false}}\n" for n in range(80))
        project.write("apps/a.yaml", ONE_APP + "    placements:\n" + many)
        done = self.limited(project, 32, "apply", "--yes", "--parallelism", "64", "--format", "json")
        assert done.code == 0, done.err
        assert len(rival.placements) == 80

    @each("files", range(4, 16, 2))
    def test_hardly_any_descriptors_are_told_in_words(self, project, files):
        done = self.limited(project, files, "plan", "--parallelism", "64")
        if done.code and "Fatal Python error" not in done.err and "site" not in done.err:
            assert "Traceback" not in done.err, done.err

    @each("arguments", [["validate"], ["plan"], ["init"], ["history"], ["fmt"], ["completion", "bash"]])
    def test_a_working_directory_that_is_gone_is_told(self, project, arguments):
        done = project.shell(f"mkdir gone && cd gone && rmdir ../gone && reconciler {' '.join(arguments)}")
        if arguments[0] != "completion":
            assert done.code == 1
        assert "Traceback" not in done.err
        assert "Error" not in done.err

    @each("name", ["with blanks", "caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{GRINNING FACE}", "two\nlines", "-dash"])
    def test_a_project_may_have_any_path(self, project, tmp_path, name):
        place = tmp_path / name
        project.root.rename(place)
        for arguments in (["validate"], ["plan", "--out", "p.json"], ["apply", "p.json"], ["drift"], ["history"]):
            done = project.call(*arguments, cwd=place)
            assert done.code == 0, done.err
        done = project.call("plan", "--detailed-exitcode", "--project", str(place), cwd=tmp_path)
        assert done.code == 0, done.err

    @each("arguments", [["plan"], ["apply", "--yes"], ["drift"], ["history"], ["ping"], ["validate"]])
    def test_without_a_home_a_user_or_a_folder_for_scratch_files_all_is_well(self, project, arguments):
        env = {"HOME": None, "TMPDIR": "/nowhere", "USER": None, "TZ": "Nowhere/Odd", "LANG": "tr_TR.UTF-8"}
        assert project.run(*arguments, **env).code == 0


BROKEN = """
import sys
from reconciler.cli import main as way_in
from reconciler.errors import ReconcilerError

def broken(*_, **__):
    raise {raised}

way_in.cli.main = broken
way_in.main(sys.argv[1:])
"""


@each(
    ("raised", "told"),
    [
        ("OSError(28, 'No space left on device', '/some/where')", "/some/where: No space left on device"),
        ("OSError(24, 'Too many open files')", "ulimit -n"),
        ("PermissionError(13, 'Permission denied', 'x')", "x: Permission denied"),
        ("MemoryError()", "not enough memory"),
        ("ImportError('x', name='orjson')", "(orjson) cannot be loaded"),
        ("UnicodeEncodeError('ascii', 'x', 0, 1, 'y')", "not UTF-8"),
        ("RecursionError('x')", "a bug of reconciler"),
        ("KeyError('x')", "a bug of reconciler"),
    ],
)
def test_whatever_ends_a_command_is_told_in_words_with_a_code(project, raised, told):
    """Nothing of another library's comes out as the name of its class."""
    done = subprocess.run(
        [sys.executable, "-c", BROKEN.format(raised=raised), "plan"], cwd=project.root, env=project.env,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert raised.partition("(")[0] not in done.stderr
    assert "Traceback" not in done.stderr


def test_who_runs_it_is_journaled_readably_whatever_bytes_the_environment_holds(project):
    """A journal with half a character in it could not be read by any later run."""
    for name in ("GITHUB_ACTOR", "USER", "CI_JOB_URL", "GITHUB_REF"):
        project.edit("apps/a.yaml", ("category1: Finance\n", "category1: Finance\n#\n"))
        assert project.call("apply", "--yes", **{name: "a\udcff"}).code == 0
    assert project.call("plan", "--detailed-exitcode").code == 0
    assert "a\N{REPLACEMENT CHARACTER}" in project.read(".reconciler/journal.jsonl")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="paths of this length are Linux's limit")
def test_a_path_that_is_too_long_is_told_as_such(project):
    script = (
        "for n in $(seq 45); do mkdir -p {0} && cd {0} || exit 9; done; echo > reconciler.yaml; reconciler validate"
    )
    done = project.shell(script.format("d" * 100))
    assert done.code == 1
    assert done.err.startswith("error: the path of this folder is too long")
