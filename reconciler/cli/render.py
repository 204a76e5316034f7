"""Print results of commands in the requested format. Each format's module is loaded when it is used."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.cli.options import Options
from reconciler.model.diagnostic import Finding

if TYPE_CHECKING:
    from reconciler.api.drift import DriftResult
    from reconciler.api.results import ApplyResult, PlanResult
    from reconciler.plan.guard import Refusal
    from reconciler.plan.plan import Plan
    from reconciler.plan.reviewed import ReviewEntry
    from reconciler.render.text import Line

FINDINGS_FORMATS: Final = ("text", "json", "markdown", "sarif", "github", "codequality", "junit", "html")
PLAN_FORMATS: Final = ("text", "json", "markdown", "sarif", "github", "gitlab", "codequality", "junit", "html")
RESULT_FORMATS: Final = ("text", "json", "markdown")
AUDIT_FORMATS: Final = ("text", "json", "markdown", "html", "openmetrics", "github", "junit")

# ruff: noqa: PLC0415


class JsonDocument(Protocol):
    """A result that has a JSON document."""

    def to_dict(self) -> Mapping[str, Any]:
        """The document."""
        ...


def print_result(
    console: Console,
    form: str,
    result: JsonDocument,
    lines: Callable[[], "Iterable[Line]"],
    **others: Callable[[], None],
) -> None:
    """A result as JSON, by what prints it in another format (`others`, by name), else as lines."""
    if form == "json":
        console.document(result.to_dict())
    elif form in others:
        others[form]()
    else:
        console.answer(lines())


def print_findings(
    console: Console,
    options: Options,
    findings: Sequence[Finding],
    summary: str,
    folder: Callable[[], str],
    *,
    strict: bool = False,
) -> None:
    """Findings in one of `FINDINGS_FORMATS`; `summary` is one line of our own. `strict`: warnings fail, too.

    `folder` gives the project's folder in its repository.
    """
    match options.format:
        case "json":
            from reconciler.render.result import findings_document

            console.document(findings_document(findings))
        case "markdown":
            from reconciler.render.result import findings_markdown

            console.markup(findings_markdown(findings, summary, options.comment_key))
        case "sarif":
            from reconciler.render.ci import sarif

            console.document(sarif(findings, __version__, folder()))
        case "codequality":
            from reconciler.render.ci import code_quality

            console.document(code_quality(findings, folder()))
        case "junit":
            from reconciler.render.ci import findings_junit

            console.markup(findings_junit(findings, folder(), strict=strict))
        case "github":
            from reconciler.render.ci import annotations

            for line in annotations(findings, folder()):
                console.raw(line)
        case "html":
            from reconciler.render.result import findings_page

            console.markup(findings_page(findings))
        case _:
            console.findings(findings, to_answer=True)


def print_plan(console: Console, options: Options, result: "PlanResult", folder: Callable[[], str]) -> None:
    """A plan and what it exceeds, in one of `PLAN_FORMATS`."""
    plan, refusals = result.plan, result.refusals
    match options.format:
        case "json":
            console.document(result.to_dict())
        case "markdown":
            from reconciler.render.plan_markdown import plan_markdown

            console.markup(plan_markdown(plan, refusals, options.comment_key))
        case "gitlab":
            from reconciler.render.ci import plan_widget

            console.document(plan_widget(plan))
        case "junit":
            from reconciler.render.ci import plan_junit

            console.markup(plan_junit(plan, refusals))
        case "github" | "sarif" | "codequality":
            _print_as_findings(console, options, result, folder)
        case "html":
            from reconciler.render.plan_html import plan_page

            console.markup(plan_page(plan, refusals))
        case _:
            from reconciler.render.plan_overview import plan_overview

            console.answer(plan_overview(plan, refusals, whole=options.verbosity > 0))


def _print_as_findings(console: Console, options: Options, result: "PlanResult", folder: Callable[[], str]) -> None:
    from reconciler.render.plan_overview import plan_findings
    from reconciler.render.plan_text import not_carried_out, summary_text

    summary = summary_text(result.plan)
    print_findings(console, options, plan_findings(result.plan, result.refusals), summary, folder)
    if options.format == "github":
        console.raw("\n".join(filter(None, (summary, not_carried_out(result.plan, result.refusals)))))


def show_plan(console: Console, options: Options, plan: "Plan", refusals: "Sequence[Refusal]") -> None:
    """A plan before anything is done: on stdout, or on stderr where stdout holds a document."""
    from reconciler.render.plan_overview import plan_overview

    lines = plan_overview(plan, refusals, whole=options.verbosity > 0)
    if options.format == "text":
        console.answer(lines)
    else:
        console.answer_on_stderr(lines)


def print_unreviewed(console: Console, options: Options, plan: "Plan", entries: "Sequence[ReviewEntry]") -> None:
    """What a plan does that was not reviewed, as Markdown; other formats have no place for it."""
    if options.format == "markdown":
        from reconciler.render.result import unreviewed_markdown

        console.markup(unreviewed_markdown(entries, plan.origin, options.comment_key))


def print_results(console: Console, options: Options, result: "ApplyResult") -> None:
    """The results of an apply and what was held, in one of `RESULT_FORMATS`; the JSON document has only results."""
    origin, held = result.plan.origin, result.plan.held
    match options.format:
        case "json":
            console.document(result.to_dict())
        case "markdown":
            from reconciler.render.result import result_markdown

            key, left = options.comment_key, result.left
            console.markup(result_markdown(result.results, result.run, result.undo, origin, key, held=held, left=left))
        case _:
            from reconciler.render.plan_text import result_lines

            console.answer(result_lines(result.results, result.run, result.undo, held))


def print_audit(console: Console, form: str, result: "DriftResult", project_name: Callable[[], str]) -> None:
    """An audit in one of `AUDIT_FORMATS`."""
    audit, history = result.audit, result.trend
    match form:
        case "json":
            console.document(result.to_dict())
        case "markdown":
            from reconciler.render.drift_text import audit_markdown

            console.markup(audit_markdown(audit, history))
        case "openmetrics":
            from reconciler.render.drift_text import metrics_text

            console.raw(metrics_text(audit, project_name()))
        case "github":
            from reconciler.render.drift_text import annotation_lines

            for command in annotation_lines(audit):
                console.raw(command)
        case "junit":
            from reconciler.render.ci import audit_junit

            console.markup(audit_junit(audit))
        case "html":
            from reconciler.render.drift_html import audit_page

            console.markup(audit_page(audit, history))
        case _:
            from reconciler.render.drift_text import audit_lines

            console.answer(audit_lines(audit, history))
