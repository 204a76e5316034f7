"""What is held is shown in every report, apart from the changes, with what it waits for and what would allow it."""

import pytest
from support.builders import at, origin
from support.rendered import Rendered

from reconciler.diff.change import Create, Delete, HeldChange
from reconciler.model.state import Source
from reconciler.plan.plan import Plan
from reconciler.render.ci import plan_widget
from reconciler.render.plan_html import plan_page
from reconciler.render.plan_markdown import plan_markdown
from reconciler.render.plan_overview import READABLE, SHOWN, is_large, plan_findings, plan_overview
from reconciler.render.plan_text import plan_lines, result_lines, summary_text
from reconciler.render.result import result_markdown

HERE = Source("apps/a.yaml", 12)


def held(name, **more):
    told = {"reason": "declared absent; it waits for leave", "switch": "--max-deletes 2", **more}
    return HeldChange(Delete(at(name), f"id-{name}", "declared absent", "sha256:", source=HERE), "maxDeletes", **told)


PLAN = Plan(origin(), held=(held("a"), held("b", reason="in quarantine until noon", switch="the time")), unchanged=3)


def text(lines):
    return "\n".join("".join(span.text for span in line) for line in lines)


def test_the_text_tells_each_with_its_reason_and_switch():
    assert text(plan_lines(PLAN)).splitlines() == [
        "Held (2), nothing of it is sent:",
        f"  x delete {at('a')}  id id-a  apps/a.yaml:12",
        "      declared absent; it waits for leave",
        "      what would allow it: --max-deletes 2",
        f"  x delete {at('b')}  id id-b  apps/a.yaml:12",
        "      in quarantine until noon",
        "      what would allow it: the time",
        "",
        "Apply would carry out nothing of this, and leave out 2 held.",
        "No changes: 3 as declared, 0 unmanaged, 2 held.",
    ]


def test_beside_changes_they_are_counted_for_themselves():
    plan = Plan(origin(), (Create(at("n"), HERE, (), {}, {}),), held=PLAN.held)
    assert summary_text(plan) == "Plan: 1 to create, 2 held; 0 unchanged, 0 unmanaged."


def test_a_large_plan_tells_as_many_as_fit_and_counts_the_rest():
    plan = Plan(origin(), held=tuple(held(str(number)) for number in range(READABLE + 1)))
    assert is_large(plan)
    told = text(plan_overview(plan)).splitlines()
    assert told[0] == f"Held ({READABLE + 1}), nothing of it is sent:"
    assert sum(line.startswith("  x delete ") for line in told) == SHOWN // 3
    assert f"  and {READABLE + 1 - SHOWN // 3} more" in told


@pytest.mark.parametrize(
    "report", [lambda: plan_markdown(PLAN), lambda: result_markdown([], "run-1", None, origin(), held=PLAN.held)]
)
def test_a_comment_has_a_section_of_them(report):
    told = Rendered.of(report()).words
    assert "Held (2), nothing of it is sent" in told
    for said in (at("a"), "id id-a", "it waits for leave", "--max-deletes 2", "in quarantine until noon", "the time"):
        assert said in told


def test_what_does_not_fit_into_a_comment_is_counted():
    plan = Plan(origin(), held=tuple(held(str(number)) for number in range(99)))
    assert "held." in plan_markdown(plan, limit=3_000).rpartition("\n<!-- reconciler:reviewed ")[0].splitlines()[-1]


def test_a_page_has_a_part_of_its_own_for_them():
    told = plan_page(PLAN)
    assert '<h2 id="held">Held (2), nothing of it is sent</h2>' in told
    assert "it waits for leave; what would allow it: --max-deletes 2" in told


def test_they_are_warnings_at_their_blocks():
    found = plan_findings(PLAN)
    assert {(each.code, each.severity, each.file, each.line) for each in found} == {
        ("plan-held", "warning", "apps/a.yaml", 12)
    }
    assert "(id id-a) is held, its delete is not sent: declared absent; it waits for leave" in found[0].message
    assert found[0].hint == "what would allow it: --max-deletes 2"


def test_the_widget_counts_none_of_them():
    assert plan_widget(PLAN) == {"create": 0, "update": 0, "delete": 0}


def test_after_an_apply_they_are_told_beside_the_results():
    assert text(result_lines([], "run-1", held=PLAN.held[:1])).splitlines() == [
        f"  held: delete {at('a')}  id id-a: declared absent; it waits for leave; what would allow it: --max-deletes 2",
        "Apply: nothing to do.  run run-1",
    ]
