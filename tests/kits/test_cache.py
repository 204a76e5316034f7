"""Jobs keep what manifests were read as: a pull request takes its own and main's, and nobody takes a pull request's."""

import shutil

import pycountry
import pytest
from support.command import ONE_APP, SETTINGS, Project
from support.runner import ROOT, git, push

from reconciler.model.secret import Secret
from reconciler.store.seal import Cache

KEY = "canary: a key of the jobs alone"
PRICES = ", ".join(f"'{country.alpha_2}': 1.25" for country in pycountry.countries)
PLACEMENTS = 100
ROWS = "".join(
    f"      - {{name: p{number}, placementType: Interstitial, coppa: false, floorPrices: {{{PRICES}}}}}\n"
    for number in range(PLACEMENTS)
)
MANIFEST = f"{ONE_APP}    placements:\n{ROWS}"
FILE = ".reconciler/cache/portable"
MAIN = "refs/heads/main"


class ByWorkflow:
    def __init__(self, github):
        self.github = github

    def plan(self, checkout):
        return self.github.workflow(checkout, "reconcile", "plan")

    def audit(self, checkout):
        return self.github.workflow(checkout, "drift", "audit")


class ByAction(ByWorkflow):
    def plan(self, checkout):
        return self.github.action(checkout, "plan", env=self.github.secrets)

    def audit(self, checkout):
        return self.github.action(checkout, "drift", env=self.github.secrets)


@pytest.fixture
def main(repository, rival):
    """A project on main, cloned; the account is as it declares."""
    app = rival.add_app(name="A", bundle="com.a")
    prices = [{"country": country.alpha_2, "price": 1.25} for country in pycountry.countries]
    for number in range(PLACEMENTS):
        rival.add_placement(app, name=f"p{number}", placementType="Interstitial", floorPrices=prices)
    workflows = {
        f".github/workflows/{name}.yml": (ROOT / "reconciler/cli/skeleton/github" / f"{name}.yml").read_text()
        for name in ("reconcile", "drift")
    }
    repository.begin({"reconciler.yaml": SETTINGS, "apps/a.yaml": MANIFEST, **workflows})
    return repository.clone()


@pytest.fixture(params=[ByWorkflow, ByAction])
def jobs(github, request):
    github.secrets["RECONCILER_CACHE_KEY"] = KEY
    return request.param(github)


def refs(github):
    return [ref for ref, _path, _name in github.caches]


def test_a_pull_request_takes_its_own_cache_or_mains_and_keeps_its_own(jobs, github, main, repository):
    logs = [jobs.audit(main).log]
    assert refs(github) == [MAIN]
    github.pull_request(1)
    logs.append(jobs.plan(repository.clone()).log)
    assert refs(github) == [MAIN]  # as main has it: there is nothing to keep
    push(repository.clone(), "one", "change", {"apps/a.yaml": MANIFEST.replace("p7,", "q7,")})
    for _push in range(2):
        done = jobs.plan(repository.clone("one"))
        assert done.code == 0, done.log
        logs.append(done.log)
        assert refs(github) == [MAIN, "refs/pull/1/merge"]
    github.pull_request(2)
    assert jobs.plan(repository.clone("one")).code == 0
    assert refs(github) == [MAIN, "refs/pull/1/merge", "refs/pull/2/merge"]  # it has not had that of the first
    assert not any("canary:" in log for log in logs)
    assert not any(b"canary:" in content for content in github.caches.values())


def test_without_the_key_nothing_is_kept(jobs, github, main):
    del github.secrets["RECONCILER_CACHE_KEY"]
    github.pull_request(1)
    done = jobs.plan(main)
    assert (done.code, github.caches) == (0, {}), done.log
    assert not (main / FILE).exists()


def test_the_action_can_be_told_to_keep_none(github, main):
    github.pull_request(1)
    env = {**github.secrets, "RECONCILER_CACHE_KEY": KEY}
    assert github.action(main, "plan", env=env, cache="false").code == 0
    assert github.caches == {}
    assert github.action(main, "plan", env=env, cache="no").code == 64


def poisoned(checkout):
    """The checkout with a cache that the right key sealed, and that says what its manifests do not."""
    place = checkout / FILE
    assert Project(checkout).call("validate", RECONCILER_CACHE_KEY=KEY).code == 0
    lines = [line.split(b" ", 2) for line in place.read_bytes().splitlines()]
    made = Cache(place.parent.resolve(), Secret(KEY))
    for key, _seal, data in lines:
        made.put(key, data.replace(b"p7", b"zz"))
    made.save()
    return place.read_bytes()


@pytest.fixture
def _poison(repository, main):
    """Whoever has the key of the plans could commit it."""
    (main / FILE).parent.mkdir(parents=True)
    (main / FILE).write_bytes(poisoned(repository.clone()))


@pytest.mark.usefixtures("_poison")
def test_a_cache_that_is_committed_is_nobodys_even_if_the_key_fits(jobs, github, main, rival):
    assert "zz" in Project(main, rival.url).call("plan", RECONCILER_CACHE_KEY=KEY).out, (
        "it would be believed, or this says nothing"
    )
    github.pull_request(1)
    done = jobs.plan(main)
    assert done.code == 0, done.log
    assert "No changes" in done.summary


def test_neither_is_it_at_gitlab_whose_requests_have_a_cache_each(gitlab, main, repository):
    gitlab.variables["RECONCILER_CACHE_KEY"] = KEY
    content = poisoned(repository.clone())
    push(main, "one", "a cache", {".reconciler/cache/.keep": ""})
    (main / FILE).write_bytes(content)
    git(main, "add", "--force", FILE)
    done = gitlab.job("reconciler:plan", main, repository.bare, request=4)
    assert done.code == 0, done.log
    assert "zz" not in (main / "plan.md").read_text()
    assert (main / FILE).read_bytes() != content


def test_a_job_at_gitlab_takes_what_was_kept_of_its_request(gitlab, main, repository):
    gitlab.variables["RECONCILER_CACHE_KEY"] = KEY
    assert gitlab.job("reconciler:plan", main, repository.bare, request=4).code == 0
    caches = gitlab.template["reconciler:plan"]["cache"]
    found = [path for glob in caches["paths"] for path in main.glob(glob)]
    assert [path.relative_to(main).as_posix() for path in found] == [FILE]
    later = repository.clone()
    (later / FILE).parent.mkdir(parents=True)
    shutil.copy2(found[0], later / FILE)
    before = (later / FILE).stat().st_mtime_ns
    assert gitlab.job("reconciler:plan", later, repository.bare, request=4).code == 0
    assert (later / FILE).stat().st_mtime_ns == before  # nothing was new


def test_requests_at_gitlab_share_a_cache_with_nobody(gitlab):
    keys = {}
    for name in ("plan", "apply", "drift"):
        caches = gitlab.template[f"reconciler:{name}"]["cache"]
        keys[name] = [one["key"] for one in (caches if isinstance(caches, list) else [caches])]
        assert "fallback_keys" not in str(caches)
        assert "unprotect" not in str(caches)
    assert keys["plan"] == ["reconciler-loads-mr-$CI_MERGE_REQUEST_IID"]
    assert keys["apply"] == ["reconciler-loads-apply-$CI_COMMIT_REF_SLUG"]
    assert keys["drift"] == ["reconciler-audits", "reconciler-loads-plan-$CI_COMMIT_REF_SLUG"]
