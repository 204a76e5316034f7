"""Pages as text: sealed, whole, and saying what the plan says."""

import base64
import hashlib
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from support.builders import at, origin
from support.pages import CHANGES, FINDINGS, HOSTILE, PAGES, PLAN, update

from reconciler.model.address import app_address
from reconciler.plan.plan import Plan
from reconciler.render.plan_html import MOST_CHANGES, plan_page
from reconciler.render.plan_text import summary_text
from reconciler.render.result import findings_page

VOID = {"meta", "link", "input", "path", "circle"}
each_page = pytest.mark.parametrize("name", sorted(PAGES))


class Read(HTMLParser):
    """Tags as they open and close; every attribute and every id."""

    def __init__(self, html):
        super().__init__()
        self.open, self.attributes, self.ids, self.wrong = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def words(html):
    body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


@each_page
def test_a_page_is_well_formed_and_its_ids_are_its_own(name):
    read = Read(PAGES[name]())
    assert (read.open, read.wrong) == ([], [])
    assert len(read.ids) == len(set(read.ids))
    referred = {part for _, at, value in read.attributes if at in {"aria-labelledby", "for"} for part in value.split()}
    assert referred <= set(read.ids)


@each_page
def test_a_page_leads_nowhere_and_carries_no_code_but_its_own(name):
    html = PAGES[name]()
    for tag, attribute, value in Read(html).attributes:
        assert not attribute.startswith("on"), (tag, attribute)
        assert attribute not in {"style", "src", "srcset", "action"}, (tag, attribute)
        assert attribute != "href" or value.startswith("#") or value == "data:,", value
    for kind in ("style", "script"):
        (body,) = re.findall(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
        told = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{kind}-src &#39;sha256-{told}&#39;" in html.replace("&#43;", "+")
    assert "default-src &#39;none&#39;" in html


@each_page
def test_a_page_holds_no_character_that_steers_or_hides(name):
    hidden = {sign for sign in PAGES[name]() if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}}
    assert hidden <= {"\n"}


@each_page
def test_the_same_values_make_the_same_page(name):
    assert PAGES[name]() == PAGES[name]()


def test_a_plan_page_tells_what_the_text_tells():
    told = words(plan_page(PLAN))
    assert summary_text(PLAN) in told
    assert "+25 %" in told
    for said in ("changed in the account", "never applied by us", "its quarantine is over", "apps/acme.yaml:14"):
        assert said in told
    assert f"known as {at('before', app_address('ios', '1234567890'))} before" in told


def test_removals_and_what_is_blocked_come_before_everything_else():
    told = words(plan_page(PLAN))
    first = told[told.index("Look at these first") : told.index("Changes by app")]
    for change, action in zip((CHANGES[4], CHANGES[3], CHANGES[2]), ("delete", "deactivate", "blocked"), strict=True):
        assert f"{action} {change.address}" in first
    assert first.index("delete") < first.index("deactivate") < first.index("blocked")


def test_a_plan_without_removals_has_nothing_to_look_at_first():
    assert "Look at these first" not in plan_page(Plan(origin(), (update(),)))


def test_of_a_very_large_plan_removals_are_drawn_and_the_rest_is_counted():
    many = tuple(update(f"p{number}", app=app_address("android", f"com.a{number // 20:05}")) for number in range(3000))
    html = plan_page(Plan(origin(), (*many, replace(CHANGES[4], address=at("gone", app_address("ios", "9"))))))
    assert html.count('<details class="change"') == MOST_CHANGES
    assert f"Only {MOST_CHANGES} of 3001 changes" in words(html)
    assert "ios:9/gone" in html
    assert words(html).count("20 update") == 150


def test_findings_stand_under_their_file_with_place_code_and_hint():
    told = words(findings_page(FINDINGS))
    assert "2 errors and 1 warning in 2 files." in told
    assert 'error 12:7 unknown field "florPrices" unknown-field' in told
    assert "did you mean x?" in told


def test_a_clean_bill_says_so():
    assert "Nothing was found." in words(findings_page(()))


def test_a_title_is_text_too():
    assert HOSTILE not in plan_page(PLAN, (), HOSTILE)


def test_pages_cost_nothing_to_those_who_do_not_draw_one():
    code = "import sys, reconciler.render.plan_html, reconciler.render.floors_html; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
