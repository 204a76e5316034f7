"""What came of an apply, as Markdown."""

from collections.abc import Sequence

from reconciler.diff.change import Held
from reconciler.model.outcome import Result
from reconciler.plan.plan import Origin
from reconciler.plan.reviewed import Entry
from reconciler.report.count import counted
from reconciler.report.markdown.marker import marker
from reconciler.report.markdown.pieces import FOLD_END, fold, listed, name, row, sentence, table
from reconciler.report.markdown.plan import held_section
from reconciler.report.markdown.sheet import LIMIT, Item, Section, Sheet
from reconciler.report.text import OUTCOME_TONES, outcome_text

DONE = "applied"


def result_markdown(  # noqa: PLR0913 - what a result is made of
    results: Sequence[Result],
    run: str,
    undo: str | None,
    origin: Origin,
    key: str = "",
    *,
    limit: int = LIMIT,
    held: Sequence[Held] = (),
    left: str = "",
) -> str:
    """The results for a comment: what was not simply applied, the worst on top, what was held, and the rest folded.

    `left` is the last line, if any, which says for programs what was reviewed and not done.
    """
    facts = [f"run {name(run)}", "" if undo is None else f"undo: reconciler apply {name(undo)}"]
    head = f"{marker('apply', origin, key)}\n### {outcome_text(results)}\n\n{listed(facts)}\n"
    sheet = Sheet(head, limit, f"\n{left}\n" if left else "")
    worst = [*WORST_FIRST, *OUTCOME_TONES]
    others = sorted((each for each in results if each.outcome != DONE), key=lambda each: worst.index(each.outcome))
    done = [each for each in results if each.outcome == DONE]
    sheet.write([
        Section(table("outcome", "step", "id", "why"), [_other(each) for each in others]),
        held_section(held),
        Section(fold(f"{len(done)} applied") + table("step", "id"), [_done(each) for each in done], FOLD_END),
    ])  # fmt: skip
    return sheet.text(" `reconciler history` tells everything.")


def unreviewed_markdown(more: Sequence[Entry], origin: Origin, key: str = "", limit: int = LIMIT) -> str:
    """Why nothing was applied, for a comment: what the plan would do beyond the reviewed one."""
    told = "The account or the manifests have changed since the plan was reviewed. A new plan has to be reviewed."
    title = f"Nothing was applied: {counted(len(more), 'step')} not reviewed"
    sheet = Sheet(f"{marker('apply', origin, key)}\n### {title}\n\n{told}\n", limit)
    items = [
        Item(row(name(each.address), sentence(each.told)), ("step", f"{each.address} {each.told}")) for each in more
    ]
    sheet.write([Section(table("address", "what was not reviewed"), items)])
    return sheet.text(" The log of the job names everything.")


WORST_FIRST = ("unknown", "failed", "unverified", "normalised", "blocked", "skipped")


def _other(result: Result) -> Item:
    cells = [f"**{result.outcome}**", _step(result), name(result.id or ""), sentence(result.error or "")]
    return Item(row(*cells), (result.outcome, f"{result.action} {result.address}"))


def _done(result: Result) -> Item:
    return Item(row(_step(result), name(result.id or "")), (result.outcome, f"{result.action} {result.address}"))


def _step(result: Result) -> str:
    return f"{name(result.action)} {name(result.address)}"
