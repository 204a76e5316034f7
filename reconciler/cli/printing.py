"""Plans and results in the format that was asked for."""

from collections.abc import Sequence
from typing import Final

from reconciler.cli.session import Session
from reconciler.diff.change import Held
from reconciler.model.outcome import Result
from reconciler.plan.guard import Refusal
from reconciler.plan.plan import Origin, Plan

PLAN_FORMATS: Final = ("text", "json", "markdown", "sarif", "github", "gitlab", "codequality", "junit", "html")
RESULT_FORMATS: Final = ("text", "json", "markdown")


def print_plan(session: Session, plan: Plan, refusals: Sequence[Refusal]) -> None:
    """A plan and what it exceeds, in one of `PLAN_FORMATS`."""
    console = session.console
    match session.options.format:
        case "json":
            from reconciler.plan.codec import plan_to_json  # noqa: PLC0415 - each costs the others nothing

            console.document(plan_to_json(plan))
        case "markdown":
            from reconciler.report.markdown.plan import plan_markdown  # noqa: PLC0415

            console.markup(plan_markdown(plan, refusals, session.options.comment_key))
        case "gitlab":
            from reconciler.report.gitlab import plan_widget  # noqa: PLC0415

            console.document(plan_widget(plan))
        case "junit":
            from reconciler.report.junit import plan_junit  # noqa: PLC0415

            console.markup(plan_junit(plan, refusals))
        case "github" | "sarif" | "codequality":
            _print_findings(session, plan, refusals)
        case "html":
            from reconciler.report.html.plan import plan_page  # noqa: PLC0415 - templates cost 0.1 s

            console.markup(plan_page(plan, refusals))
        case _:
            from reconciler.report.overview import plan_overview  # noqa: PLC0415

            console.answer(plan_overview(plan, refusals, whole=session.options.verbosity > 0))


def _print_findings(session: Session, plan: Plan, refusals: Sequence[Refusal]) -> None:
    from reconciler.cli.findings import print_findings  # noqa: PLC0415 - as above
    from reconciler.report.outlook import not_carried_out  # noqa: PLC0415
    from reconciler.report.remarks import plan_findings  # noqa: PLC0415
    from reconciler.report.text import summary_text  # noqa: PLC0415

    print_findings(session, plan_findings(plan, refusals), summary_text(plan))
    if session.options.format == "github":
        session.console.raw("\n".join(filter(None, (summary_text(plan), not_carried_out(plan, refusals)))))


def print_results(  # noqa: PLR0913 - what a result is made of
    session: Session,
    results: Sequence[Result],
    run: str,
    undo: str | None,
    origin: Origin,
    held: Sequence[Held],
    *,
    left: str = "",
) -> None:
    """What came of an apply and what it held, in one of `RESULT_FORMATS`; the JSON document has results alone.

    `left` ends the Markdown: what was reviewed and not done, for programs.
    """
    match session.options.format:
        case "json":
            from reconciler.report.document import result_document  # noqa: PLC0415 - as above

            session.console.document(result_document(results, run, undo))
        case "markdown":
            from reconciler.report.markdown.result import result_markdown  # noqa: PLC0415

            key = session.options.comment_key
            session.console.markup(result_markdown(results, run, undo, origin, key, held=held, left=left))
        case _:
            from reconciler.report.text import result_lines  # noqa: PLC0415

            session.console.answer(result_lines(results, run, undo, held))
