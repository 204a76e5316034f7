"""Real pages in a real browser: silent, sealed, accessible, and as good without scripts."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from support.pages import FULL, HOSTILE, PAGES

from reconciler.render.text import visible

each_page = pytest.mark.parametrize("name", sorted(PAGES))
each_full = pytest.mark.parametrize("name", FULL)


def on_screen(watched):
    return watched.page.evaluate("document.body.innerText")


def violations(watched, options=None):
    found = Axe().run(watched.page, options=options).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


@each_page
def test_a_page_says_nothing_to_the_console_and_asks_for_nothing(opened, name):
    watched = opened(PAGES[name]())
    watched.unfold()
    watched.page.wait_for_load_state("networkidle")
    assert watched.complaints == []
    assert [url for url in watched.requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in watched.requests if url.startswith("file:")]) == 1


@each_page
def test_axe_finds_nothing(opened, name):
    watched = opened(PAGES[name]())
    watched.unfold()
    assert violations(watched) == []


@each_full
def test_what_is_dark_can_be_read_too(opened, name):
    watched = opened(PAGES[name](), scheme="dark")
    assert watched.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 19, 22)"
    assert violations(watched, {"runOnly": ["color-contrast"]}) == []


@each_full
def test_a_narrow_screen_scrolls_only_down(opened, name):
    watched = opened(PAGES[name](), width=360)
    watched.unfold()
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 360


UNSEEN = """
() => [...document.querySelectorAll("table")].flatMap((table) => {
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  return [...table.tBodies[0].rows].flatMap((row) => [...row.cells].map((cell, at) => {
    if (!cell.textContent.trim()) return null;
    const box = cell.getBoundingClientRect();
    const label = getComputedStyle(cell, "::before").content.replaceAll('"', "");
    const seen = box.width > 0 && box.height > 0 && box.left >= 0 && box.right <= innerWidth;
    const named = label === heads[at] || (heads[at].startsWith("Which") && label === "Which");
    return seen && named ? null : `${heads[at]}: ${label} ${box.left} to ${box.right}`;
  }));
}).filter((each) => each !== null)
"""


@each_full
@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_shows_every_column_of_every_table_with_its_name(opened, name, scripts):
    watched = opened(PAGES[name](), width=360, scripts=scripts)
    if scripts:
        watched.unfold()
    assert watched.page.evaluate(UNSEEN) == []


@each_full
def test_what_a_phone_shows_can_be_read_by_all(opened, name):
    watched = opened(PAGES[name](), width=360)
    watched.unfold()
    assert violations(watched) == []


def test_a_wide_screen_has_a_row_for_each_move_under_one_header(opened):
    page = opened(PAGES["floors"]()).page
    table = page.get_by_role("region", name="Table of moves")
    assert table.get_by_role("columnheader").first.is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('tbody td'), '::before').content") == "none"


@each_full
def test_hostile_names_are_text_and_nothing_else(opened, name):
    watched = opened(PAGES[name]())
    watched.unfold()
    assert watched.page.evaluate("typeof hacked") == "undefined"
    elements = watched.page.evaluate("[...document.querySelectorAll('script, img, b, iframe, [onerror]')].length")
    assert elements == 1
    links = watched.page.evaluate("[...document.querySelectorAll('a')].map((each) => each.getAttribute('href'))")
    assert [link for link in links if not link.startswith("#")] == []
    assert visible(HOSTILE) in watched.page.title()
    assert "<script>hacked=1</script>" in on_screen(watched)
    assert "{{ 7 * 7 }}" in on_screen(watched)


def test_a_script_that_is_not_the_pages_own_does_not_run(opened):
    watched = opened(PAGES["plan"]().replace("</main>", "<script>hacked=1</script><p style='color:red'>x</p></main>"))
    assert watched.page.evaluate("typeof hacked") == "undefined"
    assert len(watched.complaints) == 2
    assert all("Content Security Policy" in each for each in watched.complaints)


@each_full
def test_without_scripts_all_is_there_but_the_search(opened, name):
    watched = opened(PAGES[name](), scripts=False)
    assert not watched.page.locator("#tools").is_visible()
    assert watched.page.locator("h1").is_visible()
    folded = watched.page.locator("main details:not([open]) > summary")
    while folded.count():
        folded.first.click()
    assert watched.complaints == []
    assert all(item.is_visible() for item in watched.page.locator("[data-item]").all())


def test_a_search_leaves_what_it_finds_and_says_how_much(opened):
    page = opened(PAGES["plan"]()).page
    page.keyboard.press("/")
    page.keyboard.type("int_13 floorprices")
    assert page.locator("details.change:visible").count() == 1
    assert page.locator("[role=status]").inner_text().startswith("1 of ")
    assert not page.locator("#unmanaged").is_visible()
    page.locator("#search").fill("")
    assert page.locator("#unmanaged").is_visible()
    assert page.locator("details.change:visible").count() > 1


def test_folding_buttons_fold_and_unfold_everything(opened):
    page = opened(PAGES["floors"]()).page
    page.get_by_role("button", name="Collapse all").click()
    assert page.locator("details[open]").count() == 0
    page.get_by_role("button", name="Expand all").click()
    assert page.locator("details:not([open])").count() == 0


def test_a_link_to_a_folded_change_opens_it(opened):
    page = opened(PAGES["plan"]()).page
    page.get_by_role("button", name="Collapse all").click()
    page.locator("section a[href='#c4']").click()
    assert page.locator("#c4 > summary").is_visible()


def test_every_chart_has_a_name_a_description_and_a_table_beside_it(opened):
    watched = opened(PAGES["floors"]())
    watched.unfold()
    cells = watched.page.locator(".cell:has(svg)").all()
    assert cells
    for cell in cells:
        for drawn in cell.locator("svg[role=img]").all():
            assert drawn.locator("title").text_content()
            assert "USD" in drawn.locator("desc").text_content()
        assert cell.get_by_role("row", name="suggested").count() or cell.get_by_role("row", name="current").count()


def test_the_trend_of_an_audit_has_a_name_a_description_and_a_table_beside_it(opened):
    watched = opened(PAGES["audit"]())
    watched.unfold()
    drawn = watched.page.get_by_role("img", name="Open alarms day by day")
    assert drawn.locator("path.bar").count() == 18
    assert "the table holds the figures" in drawn.locator("desc").text_content().lower()
    table = watched.page.get_by_role("region", name="Alarms day by day").get_by_role("row")
    assert table.count() == 1 + 18


def test_a_search_in_an_audit_finds_values_and_hides_classes_without_any(opened):
    page = opened(PAGES["audit"]()).page
    page.locator("#search").fill("black friday")
    assert page.locator("section:visible > h2").all_inner_texts() == ["Drift 3", "Accepted 2"]
    page.locator("#search").fill("com.acme/gone")
    assert page.locator("[data-item]:visible").count() == 2
