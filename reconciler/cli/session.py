"""The session of a command: options, console, environment and workspace; its observer; its results in any format.

Each format's module is loaded when it is used.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from reconciler import __version__
from reconciler.api.environment import Environment, SystemClock
from reconciler.api.project import Project
from reconciler.api.results import Notice, Observer, StepListener, Verb
from reconciler.api.workspace import Workspace, WorkspaceOptions
from reconciler.cli.console import Console, log_to_stderr
from reconciler.cli.options import Options
from reconciler.errors import ProjectError, UnfitFile
from reconciler.files.disk import folder_in_repository
from reconciler.files.project import ProjectFiles, find_project, find_settings
from reconciler.model.diagnostic import Finding

if TYPE_CHECKING:
    from reconciler.api.drift import DriftResult
    from reconciler.api.results import ApplyResult, PlanResult
    from reconciler.plan.gate import Refusal
    from reconciler.plan.plan import Plan, ReviewEntry
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


if TYPE_CHECKING:
    from reconciler.api.results import ApplyResult
    from reconciler.plan.aftermath import Forecast
    from reconciler.plan.gate import Refusal
    from reconciler.plan.plan import Plan, ReviewEntry


@dataclass(frozen=True, slots=True)
class CommandSession:
    """One call of a command."""

    options: Options
    console: Console
    environment: Environment
    clock: SystemClock

    @classmethod
    def of(cls, options: Options) -> "CommandSession":
        """The session for a command called with these options."""
        log_to_stderr(options.verbosity, options.log_format)
        return cls(options, Console(no_color=options.no_color), Environment(), SystemClock())

    def project(self) -> Project:
        """The project, for what it can do. Raises `ProjectError`."""
        return Project(self.workspace())

    def project_if_any(self) -> Project:
        """The project; where there is none and none was named, `Project.none`. Raises `ProjectError`."""
        return Project(self.workspace_if_any())

    def workspace(self, files: ProjectFiles | None = None) -> Workspace:
        """The project, or the one of these files, for its parts. Raises `ProjectError`."""
        return Workspace(files or find_project(Path.cwd(), self.options.project), self._workspace_options())

    def workspace_if_any(self) -> Workspace:
        """The project; where there is none and none was named, a workspace without one. Raises `ProjectError`."""
        try:
            return self.workspace()
        except UnfitFile:
            raise
        except ProjectError:
            if self.options.project is not None:
                raise
        return Workspace(None, self._workspace_options())

    def _workspace_options(self) -> WorkspaceOptions:
        observer, parallelism = TerminalObserver(self), self.options.parallelism
        return WorkspaceOptions(self.environment, observer, self.clock, parallelism, owns_process=True)

    def root(self) -> Path:
        """The project's root, whether or not its settings can be read. Raises `ProjectError` without a project."""
        return find_settings(Path.cwd(), self.options.project).parent.resolve()

    def root_if_any(self) -> Path | None:
        """The same; None without a project."""
        try:
            return self.root()
        except ProjectError:
            return None

    def folder(self) -> str:
        """The project's folder in its repository, as tools that show code name files; empty without a project."""
        try:
            return folder_in_repository(self.root())
        except ProjectError:
            return ""

    def project_name(self) -> str:
        """The name of the project in metrics: its folder in the repository, or the name of the repository."""
        return self.folder() or self.root().name


class TerminalObserver(Observer):
    """Prints what an operation does; a signal to stop the process stops the steps."""

    def __init__(self, session: CommandSession) -> None:
        self._console, self._options, self._clock = session.console, session.options, session.clock

    def notice(self, notice: Notice) -> None:
        """As a line of talk."""
        if notice.level == "warning":
            self._console.warn(notice.message)
        else:
            self._console.talk(notice.message)

    def findings(self, findings: Sequence[Finding]) -> None:
        """A line for each, on stderr."""
        self._console.findings(findings, to_answer=False)

    def plan_made(self, plan: "Plan", refusals: "Sequence[Refusal]") -> None:
        """On stdout, or on stderr where stdout holds a document."""
        show_plan(self._console, self._options, plan, refusals)

    def exceeded(self, refusals: "Sequence[Refusal]") -> None:
        """A line for each, on stderr."""
        from reconciler.render.plan_text import refusal_line

        self._console.answer_on_stderr(map(refusal_line, refusals))

    def unreviewed(self, plan: "Plan", entries: "Sequence[ReviewEntry]") -> None:
        """As Markdown on stdout, where that is the format."""
        print_unreviewed(self._console, self._options, plan, entries)

    def forecast(self, forecast: "Forecast") -> None:
        """As a line of talk."""
        from reconciler.render.plan_text import forecast_text

        self._console.talk(forecast_text(forecast, self._options.parallelism))

    def finished(self, result: "ApplyResult") -> None:
        """As the answer."""
        print_results(self._console, self._options, result)

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[Any]:
        """Ctrl-C and the signals of CI systems call `stop`."""
        from reconciler.cli.signals import stop_handler

        return stop_handler(stop)

    def progress(self, verb: Verb) -> AbstractContextManager[StepListener]:
        """A bar, lines or events, as the terminal and the log's format have it."""
        from reconciler.cli.progress import WORDS, ProgressTarget, progress_display

        as_json = self._options.log_format == "json"
        place = ProgressTarget(self._clock, self._console.talk, as_json, self._options.no_color)
        return progress_display(verb, WORDS[verb], place)
