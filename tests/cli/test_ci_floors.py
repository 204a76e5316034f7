"""`ci floors`: reports go from job to job by a branch, and changed floors into a request."""

import pytest
from support.command import SETTINGS
from support.forge import TOKEN, Forge
from support.runner import Checkout, git, push

APP = "version: 1\napps:\n  - {platform: android, bundle: com.a, name: A, category1: Finance, coppa: false}\n"
DAY = ".reconciler/reports/source=dt/app=1/day=2026-11-20"


@pytest.fixture
def forge():
    with Forge().running() as server:
        yield server


@pytest.fixture(params=["", "games/one/"])
def folder(request):
    return request.param


@pytest.fixture
def hosted(tmp_path, forge, folder):
    found = Checkout(tmp_path / "repository")
    forge.repository = found.bare
    found.begin({f"{folder}reconciler.yaml": SETTINGS, f"{folder}apps/a.yaml": APP, ".gitignore": ".reconciler/\n"})
    return found


def floors(job, place, *words):
    job.root = place
    done = job.call("ci", "floors", *words)
    assert TOKEN not in done.out + done.err
    return done


def fetched(place, name=DAY, text="rows"):
    (place / name).mkdir(parents=True, exist_ok=True)
    for file in ("data.parquet", "fetched.json"):
        (place / name / file).write_text(text)


def own(base, folder):
    return f"{base}-games-one" if folder else base


def test_reports_go_from_job_to_job_as_one_commit_without_a_history(job, hosted, folder):
    branch = own("reconciler/reports", folder)
    for number, day in enumerate(("2026-11-20", "2026-11-21", "2026-11-21")):
        place = hosted.clone() / folder
        assert floors(job, place, "--take").code == 0
        seen = sorted(path.name for path in (place / ".reconciler/reports").glob("source=dt/app=1/*"))
        assert seen == ["day=2026-11-20", "day=2026-11-21"][:number]
        fetched(place, f".reconciler/reports/source=dt/app=1/day={day}")
        kept = floors(job, place, "--keep")
        assert kept.code == 0, kept.err
        assert len(hosted.log(branch)) == 1
        assert hosted.log() == ["begin"]
    assert "is as it was" in kept.err
    assert git(place, "status", "--porcelain") == ""


def test_nothing_but_reports_is_kept(job, hosted, folder):
    place = hosted.clone() / folder
    assert "nothing to keep" in floors(job, place, "--keep").err
    fetched(place)
    for name in (".reconciler/salt", ".reconciler/reports/.lock", ".reconciler/reports/drafts/x/received"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("secret")
    assert floors(job, place, "--keep").code == 0
    names = git(hosted.bare, "ls-tree", "-r", "--name-only", own("reconciler/reports", folder)).splitlines()
    assert names == [f"{folder}{DAY}/data.parquet", f"{folder}{DAY}/fetched.json"]


def test_reports_that_were_not_taken_are_never_written_over(job, hosted, folder):
    place = hosted.clone() / folder
    fetched(place)
    assert floors(job, place, "--keep").code == 0
    late = hosted.clone() / folder
    fetched(late, DAY.replace("20", "19"))
    done = floors(job, late, "--keep")
    assert (done.code, "changed meanwhile" in done.err) == (1, True), done.err
    assert f"{folder}{DAY}/data.parquet" in git(
        hosted.bare, "ls-tree", "-r", "--name-only", own("reconciler/reports", folder)
    )


def test_where_nobody_can_say_whether_there_are_reports_the_job_ends(job, hosted, folder):
    place = hosted.clone() / folder
    hosted.bare.rename(hosted.bare.with_name("gone.git"))
    assert floors(job, place, "--take").code == 1


def test_a_branch_of_reports_that_holds_a_link_is_not_taken(job, hosted, folder):
    place = hosted.clone() / folder
    (place / ".reconciler/reports/source=dt").mkdir(parents=True)
    (place / ".reconciler/reports/source=dt/data.parquet").symlink_to("/etc/passwd")
    git(place, "add", "--force", ".reconciler")
    git(place, "commit", "--quiet", "--message=x")
    git(place, "push", "--quiet", "origin", f"HEAD:refs/heads/{own('reconciler/reports', folder)}")
    git(place, "rm", "--quiet", "-r", "--cached", ".reconciler")
    clean = hosted.clone() / folder
    done = floors(job, clean, "--take")
    assert (done.code, "more than files" in done.err) == (1, True)
    assert not (clean / ".reconciler/reports/source=dt").exists()


def written(place, text="# higher\n"):
    """What `floors write` leaves."""
    (place / "apps/a.yaml").write_text(APP + text)
    (place / "reconciler.evidence").write_text(f"{text}")
    (place / "reconciler.lock").write_text("taken from elsewhere\n")


def test_changed_floors_become_one_request_that_later_runs_rewrite(job, hosted, folder, forge):
    branch = own("reconciler/floors", folder)
    for text in ("# a\n", "# b\n", "# b\n"):
        place = hosted.clone() / folder
        written(place, text)
        done = floors(job, place)
        assert done.code == 0, done.err
        assert f"/{done.out.strip()}\n" in done.err
        assert hosted.log(branch) == ["Floors that the reports speak for", "begin"]
    assert [(one["head"], one["base"]) for one in forge.requests] == [(branch, "main")]
    assert hosted.at(branch, f"{folder}apps/a.yaml").endswith("# b\n")
    assert hosted.at(branch, f"{folder}reconciler.evidence") == "# b\n"
    names = git(hosted.bare, "diff", "--name-only", "main", branch).splitlines()
    assert names == [f"{folder}apps/a.yaml", f"{folder}reconciler.evidence"]


def test_without_a_change_nothing_is_asked_for(job, hosted, folder, forge):
    done = floors(job, hosted.clone() / folder)
    assert (done.code, done.out, "nothing to ask for" in done.err) == (0, "", True)
    assert forge.requests == []


def test_a_manifest_that_has_changed_meanwhile_is_not_changed_back(job, hosted, folder, forge):
    place = hosted.clone() / folder
    push(hosted.clone(), "main", "by hand", {f"{folder}apps/a.yaml": APP + "# by hand\n"})
    written(place)
    done = floors(job, place)
    assert (done.code, "has got another apps/a.yaml meanwhile" in done.err) == (1, True)
    assert forge.requests == []


def test_what_a_person_has_added_to_the_request_is_not_thrown_away(job, hosted, folder):
    branch = own("reconciler/floors", folder)
    place = hosted.clone() / folder
    written(place)
    assert floors(job, place).code == 0
    push(hosted.clone(branch), branch, "mine", {"note.md": "x"})
    again = hosted.clone() / folder
    written(again, "# later\n")
    done = floors(job, again)
    assert (done.code, "somebody has added commits" in done.err) == (1, True)
    assert hosted.log(branch)[0] == "mine"


def test_take_and_keep_are_two_calls(job, hosted, folder):
    assert floors(job, hosted.clone() / folder, "--take", "--keep").code == 64
