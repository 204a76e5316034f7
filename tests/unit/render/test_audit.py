"""An audit in the formats of machines, sites and chats; what a name holds is shown and never obeyed."""

import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from markdown_it import MarkdownIt
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.builders import APP, at, origin
from support.schemas import strict

from reconciler.diff.audit import CLASSES, Audit, AuditedField, AuditItem, Day, Episode, Trend
from reconciler.diff.change import FieldChange, Note
from reconciler.model.address import Address
from reconciler.model.state import AcceptedDrift, Source
from reconciler.render.account import audit_document
from reconciler.render.drift_text import (
    LONGEST,
    MARKER,
    MOST_FIELDS,
    MOST_ITEMS,
    annotation_lines,
    audit_lines,
    audit_markdown,
    audit_message,
    duration_text,
    metrics_text,
)
from reconciler.render.text import visible

NASTY = "</details><script>x</script>|a`b` <!channel> <@U1> @here &amp; ::error::x ##[error] \x1b[31m\u202egpj http://e.x\n:a:"


def audit(*items, **more):
    return Audit("2026-11-21T19:00:00Z", "3432", origin().api, items, **more)


def drifted(name="int_1", of="drift", **more):
    change = FieldChange("floorPrices.US", 10, 2, "conflict" if of == "conflict" else "drift")
    return AuditItem(at(name), "7", of, (AuditedField(change, of, 2),), Source("apps/a.yaml", 14), **more)


ONE_OF_EACH = tuple(AuditItem(at(of), "1", of) for of in CLASSES)
HOSTILE = audit(
    drifted(NASTY, note=NASTY),
    AuditItem(at(f"{NASTY}2"), NASTY, "unmanaged"),
    AuditItem(
        at(f"{NASTY}3"),
        "3",
        "accepted",
        (
            AuditedField(
                FieldChange("skipability", NASTY, NASTY, "drift"), "accepted", NASTY, AcceptedDrift("x", NASTY)
            ),
        ),
    ),
    notes=(Note(APP, NASTY),),
)


class TestMetrics:
    def parsed(self, found):
        families = text_string_to_metric_families(f"{metrics_text(found)}\n")
        return {(s.name, s.labels.get("class")): s.value for family in families for s in family.samples}

    def test_a_strict_parser_reads_every_number(self):
        since = {at("drift"): "2026-11-20T19:00:00Z", at("missing"): "2026-11-21T18:00:00Z"}
        told = self.parsed(audit(*ONE_OF_EACH, open_since=since))
        assert told == {
            **{("reconciler_drift_resources", of): 1 for of in CLASSES},
            ("reconciler_coverage_ratio", None): pytest.approx(0.833),
            ("reconciler_audit_timestamp_seconds", None): datetime(2026, 11, 21, 19, tzinfo=UTC).timestamp(),
            ("reconciler_drift_oldest_open_seconds", None): 86400,
        }

    def test_an_empty_account_has_every_class_at_zero_and_is_covered(self):
        told = self.parsed(audit())
        assert [told["reconciler_drift_resources", of] for of in CLASSES] == [0] * 7
        assert told["reconciler_coverage_ratio", None] == 1

    @pytest.mark.parametrize("name", ["games", 'a"b', "a\\b", "a\nb", "\u202egpj", "caf\u00e9", "", NASTY])
    def test_every_sample_says_whose_it_is_whatever_the_name_holds(self, name):
        found = replace(audit(*ONE_OF_EACH), publisher_id=name)
        text = metrics_text(found, name)
        samples = [one for family in text_string_to_metric_families(f"{text}\n") for one in family.samples]
        assert len(samples) == len(CLASSES) + 3
        for sample in samples:
            assert (sample.labels["publisher"], sample.labels["project"]) == (visible(name), visible(name))
        assert len(text.splitlines()) == len(metrics_text(audit(*ONE_OF_EACH)).splitlines())

    def test_it_ends_with_the_mark_that_nothing_was_cut(self):
        assert metrics_text(audit()).endswith("\n# EOF")


class TestMarkdown:
    def rendered(self, found, history=None):
        return MarkdownIt("commonmark", {"html": True}).enable("table").render(audit_markdown(found, history))

    def test_the_numbers_come_first_then_the_alarms_then_the_rest_folded(self):
        text = audit_markdown(audit(drifted(), *ONE_OF_EACH, open_since={at("int_1"): "2026-11-20T07:30:00Z"}))
        lines = text.splitlines()
        assert lines[0] == MARKER
        assert lines[1].startswith(
            "**Drift: 1 missing, 1 conflict, 2 drift; 1 accepted, 1 pending, 1 unmanaged, 1 in sync"
        )
        assert "applied 2, live 10 | 2026-11-20 07:30 UTC |" in text
        assert text.count("<details>") == text.count("</details>") == 3

    def test_names_bring_no_tags_and_no_cells(self):
        html = self.rendered(HOSTILE)
        assert set(re.findall(r"</?([a-z]+)", html)) <= {
            "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "br", "details", "summary", "ul", "li", "code",
        }  # fmt: skip
        assert "<script" not in html
        assert [row.count("<td") for row in html.split("<tr>")[2:]] == [4]

    def test_it_is_cut_to_what_a_comment_may_hold_and_says_so(self):
        many = audit(*(drifted(f"a_rather_long_name_{n}") for n in range(1500)), AuditItem(at("x"), "1", "pending"))
        text = audit_markdown(many)
        assert LONGEST - 1000 < len(text) <= LONGEST
        told = int(re.search(r"_(\d+) lines are left out", text)[1])
        shown = text.count("a\\_rather")
        assert told + shown + text.count("- android") == 1501

    def test_the_trend_is_a_table(self):
        history = Trend(date(2026, 11, 1), (Day(date(2026, 11, 20), 3, 2, 1, 1),), ())
        assert "| 2026-11-20 | 3 | 2 | 1 | 1 |" in audit_markdown(audit(), history)


class TestMessage:
    def test_it_names_the_alarms_and_nothing_else(self):
        text = audit_message(audit(drifted(), *ONE_OF_EACH))["text"]
        assert [line.split()[1] for line in text.splitlines() if line.startswith("•")] == [
            "drift", "missing", "conflict", "drift",
        ]  # fmt: skip
        assert "floorPrices.US: applied 2, live 10" in text

    def test_names_mention_nobody_and_link_to_nothing(self):
        text = audit_message(HOSTILE)["text"]
        assert "<" not in text.replace("&lt;", "")
        assert not re.search(r"@\w|https?://|:a:|`(?!reconciler)", text.split("\n", 1)[1])
        assert "&amp;amp;" in text

    def test_it_stays_short_however_much_has_drifted(self):
        fields = tuple(AuditedField(FieldChange(f"f{n}", "x" * 999, "y", "drift"), "drift", "y") for n in range(99))
        many = audit(*(AuditItem(at(f"{'n' * 999}{n}"), "1", "drift", fields) for n in range(500)))
        text = audit_message(many)["text"]
        assert len(text) < 40_000
        assert f"and {500 - MOST_ITEMS} more" in text
        assert f"and {99 - MOST_FIELDS} more fields" in text


class TestAnnotations:
    def test_an_alarm_stands_at_its_block_and_what_is_no_alarm_nowhere(self):
        lines = list(annotation_lines(audit(drifted(), *ONE_OF_EACH)))
        assert lines[0] == (
            "::warning file=apps/a.yaml,line=14,title=drift::android:com.acme/int_1: changed in the account since the "
            "last apply%0AfloorPrices.US: applied 2, live 10"
        )
        assert [line.split("::")[1].split()[0] for line in lines] == ["warning"] * 4 + ["notice"]

    def test_names_begin_no_commands(self):
        lines = list(annotation_lines(HOSTILE))
        assert len(lines) == 2
        assert all("\n" not in line and "##[" not in line for line in lines)


class TestTextAndDocument:
    def test_names_are_all_there_and_steer_nothing_once_printed(self):
        told = ["".join(duration_text.text for duration_text in line) for line in audit_lines(HOSTILE)]
        assert any(NASTY in line for line in told)  # the console makes every line of text harmless
        document = audit_document(HOSTILE)
        assert document["items"][0]["address"] == at(NASTY)
        json.dumps(document)

    def test_an_expired_acceptance_is_told_in_the_document(self):
        over = AcceptedDrift("status", "sale", date(2020, 1, 31))
        field = AuditedField(FieldChange("status", "inactive", "active", "drift"), "drift", "active", over)
        (item,) = audit_document(audit(AuditItem(at("x"), "1", "drift", (field,))))["items"]
        assert (item["fields"][0]["until"], item["fields"][0]["reason"]) == ("2020-01-31", "sale")

    @pytest.mark.parametrize("found", [audit(), HOSTILE, audit(drifted(), *ONE_OF_EACH)])
    def test_the_document_is_as_its_schema_says(self, found):
        validator = strict("drift")
        alarms = (Episode(APP, "drift", datetime(2026, 11, 20, tzinfo=UTC)),)
        days = (Day(date(2026, 11, 20), 3, 2, 1, 1),)
        for history in (None, Trend(date(2026, 11, 1), days, alarms)):
            document = json.loads(json.dumps(audit_document(found, history)))
            validator.validate(document)
            assert not validator.is_valid({**document, "more": 1})

    def test_notes_of_the_account_have_no_address(self):
        assert audit_document(audit(notes=(Note(Address(""), "x"),)))["notes"] == [{"address": None, "text": "x"}]


@pytest.mark.parametrize(
    ("seconds", "told"), [(59, "0 min"), (3599, "59 min"), (3660, "1 h 1 min"), (90061, "1 d 1 h"), (172800, "2 d 0 h")]
)
def test_a_time_is_told_in_its_two_largest_units(seconds, told):
    assert duration_text(seconds) == told


def test_no_format_shows_what_nobody_can_see():
    for text in (audit_markdown(HOSTILE), audit_message(HOSTILE)["text"], "\n".join(annotation_lines(HOSTILE))):
        strange = {sign for sign in text if unicodedata.category(sign) in {"Cc", "Cf"}} - {"\n", "\u200b"}
        assert strange == set()
