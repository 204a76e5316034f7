"""What we show to others works: every example validates, and the demo runs to its end."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from architecture.command import reconciler
from architecture.source_code import ROOT
from support.forking import forked

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/reconciler.yaml"))
YAMLS = sorted((ROOT / "examples").glob("*/**/*.yaml"))
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def test_there_is_an_example_for_each_kind_of_reader():
    assert {path.name for path in EXAMPLES} == {"minimal", "studio", "gitops"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_valid_without_a_warning(example):
    done = reconciler("validate", "--strict", cwd=example)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.relative_to(ROOT / "examples").as_posix())
def test_an_example_names_its_schema_for_editors(path):
    modeline = MODELINE.match(path.read_text(encoding="utf-8"))
    assert modeline
    assert (path.parent / modeline[1]).resolve().is_file()


def test_the_studio_shows_every_placement_type_platform_and_block():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "examples/studio").rglob("*.yaml"))
    shown = {
        "android", "ios", "Banner", "Rewarded", "Interstitial", "MREC", "defaults", "byType", "countryGroups", "safety",
        "waterfalls", "lifecycle", "ignoreChanges", "protect", "acceptDrift", "ssrConfig", "geo", "connectivity",
        "capping", "pacing", "skipability", "bannerRefresh", "creativeTypes", "rewardedAdUrl",
    }  # fmt: skip
    assert {word for word in shown if word not in text} == set()


@pytest.mark.skipif(shutil.which("bash") is None, reason="the demo is a bash script")
def test_the_demo_ends_in_an_empty_plan(tmp_path):
    path = os.pathsep.join([str(forked().program.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    script = ["bash", str(ROOT / "examples/demo/run.sh"), str(tmp_path)]
    done = subprocess.run(
        script, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Drift: 1 drift; " in done.stdout
    assert "drift  opened " in done.stdout
    assert done.stdout.endswith("The account is as the manifests say.\n")
