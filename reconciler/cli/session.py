"""The session of a command: options, console, environment and workspace; the observer that prints to the terminal."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.api.environment import Environment, SystemClock
from reconciler.api.project import Project
from reconciler.api.results import Notice, Observer, StepListener, Verb
from reconciler.api.workspace import Workspace, WorkspaceOptions
from reconciler.cli.console import Console, log_to_stderr
from reconciler.cli.options import Options
from reconciler.cli.render import print_results, print_unreviewed, show_plan
from reconciler.errors import ProjectError
from reconciler.files.project import ProjectFiles, find_project, find_settings, folder_in_repository
from reconciler.model.diagnostic import Finding

if TYPE_CHECKING:
    from reconciler.api.results import ApplyResult
    from reconciler.plan.aftermath import Forecast
    from reconciler.plan.guard import Refusal
    from reconciler.plan.plan import Plan
    from reconciler.plan.reviewed import ReviewEntry


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

    def workspace(self, files: ProjectFiles | None = None) -> Workspace:
        """The project, or the one of these files, for its parts. Raises `ProjectError`."""
        files = files or find_project(Path.cwd(), self.options.project)
        observer, parallelism = TerminalObserver(self), self.options.parallelism
        return Workspace(
            files, WorkspaceOptions(self.environment, observer, self.clock, parallelism, owns_process=True)
        )

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
        from reconciler.render.plan_text import refusal_line  # noqa: PLC0415 - for saved plans only

        self._console.answer_on_stderr(map(refusal_line, refusals))

    def unreviewed(self, plan: "Plan", entries: "Sequence[ReviewEntry]") -> None:
        """As Markdown on stdout, where that is the format."""
        print_unreviewed(self._console, self._options, plan, entries)

    def forecast(self, forecast: "Forecast") -> None:
        """As a line of talk."""
        from reconciler.render.plan_text import forecast_text  # noqa: PLC0415 - for what writes only

        self._console.talk(forecast_text(forecast, self._options.parallelism))

    def finished(self, result: "ApplyResult") -> None:
        """As the answer."""
        print_results(self._console, self._options, result)

    def interruptible(self, stop: Callable[[], None]) -> AbstractContextManager[Any]:
        """Ctrl-C and the signals of CI systems call `stop`."""
        from reconciler.cli.signals import stop_handler  # noqa: PLC0415 - for what writes only

        return stop_handler(stop)

    def progress(self, verb: Verb) -> AbstractContextManager[StepListener]:
        """A bar, lines or events, as the terminal and the log's format have it."""
        from reconciler.cli.progress import WORDS, ProgressTarget, progress_display  # noqa: PLC0415 - for what has steps only

        as_json = self._options.log_format == "json"
        place = ProgressTarget(self._clock, self._console.talk, as_json, self._options.no_color)
        return progress_display(verb, WORDS[verb], place)
