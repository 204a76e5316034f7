"""The documentation site: its navigation and links hold, and whoever reads it loads nothing from elsewhere."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
from architecture.source_code import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
PICTURES = sorted((DOCS / "images").iterdir())
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
LOADED = re.compile(
    r"""<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=["'](?:https?:)?//|@import|url\(["']?(?:https?:)?//"""
)

each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(DOCS).as_posix())


def named(part):
    """The pages in a part of the navigation."""
    if isinstance(part, str):
        return [part]
    parts = part.values() if isinstance(part, dict) else part
    return [page for each in parts for page in named(each)]


def anchors(path):
    """The anchors of a page's headings, as the site and the hosts of repositories make them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-")
        for head in re.findall(r"^#+ (.*)", text, re.MULTILINE)
    }


def test_every_page_has_its_place_in_the_navigation():
    nav = named(tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"])
    assert sorted(nav) == [path.relative_to(DOCS).as_posix() for path in PAGES]


@each_page
def test_links_lead_to_pages_and_headings(path):
    for link in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        page = (path.parent / target).resolve() if target else path
        assert page in PAGES or page in PICTURES, f"{link}: pages link to pages, since little else is on the site"
        assert not anchor or anchor in anchors(page), link


@each_page
def test_a_list_has_a_blank_line_before_it(path):
    """Hosts of repositories do without; the site would take it for a paragraph."""
    lines = FENCE.sub("", path.read_text(encoding="utf-8")).splitlines()
    begins = re.compile(r"(?:[-*]|\d+\.) ")
    wrong = [
        line
        for before, line in pairwise(lines)
        if begins.match(line) and before.strip() and not begins.match(before) and not before.startswith(" ")
    ]
    assert wrong == []


@pytest.mark.skipif(find_spec("zensical") is None, reason="`make docs` installs it")
def test_the_site_builds_without_a_warning_and_loads_nothing(tmp_path):
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    build = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "site"
    made = {page.relative_to(site).with_suffix(".md").as_posix() for page in site.rglob("*.html")}
    assert made - {"404.md"} == {path.relative_to(DOCS).as_posix() for path in PAGES}
    assert [str(page) for page in (*site.rglob("*.html"), *site.rglob("*.css")) if loads(page)] == []


def loads(page: Path):
    return LOADED.search(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    ['<script src="https://a.example/x.js">', "<link rel=x href='//a.example/y.css'>", "a{b:url(https://c.example)}"],
)
def test_what_would_be_loaded_is_seen(tmp_path, text):
    page = tmp_path / "page.html"
    page.write_text(text)
    assert loads(page)
