"""Mediation reports for people: a question to Chartboost's Mediation Reporting API, asked in windows and added up."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Final

from reconciler.api.environment import CHARTBOOST_KEYS, Environment
from reconciler.api.results import Notice, Observer, RowsResult, Step, StepEnd, StepListener
from reconciler.api.workspace import Workspace
from reconciler.apis.mediation_query import MediationQuery, MediationWish
from reconciler.apis.mediation_reports import MEDIATION, PATIENCE, RATE, Chartboost, RequestLimit, WordsAlone
from reconciler.apis.reports import DayRange
from reconciler.errors import UnreadableAnswer
from reconciler.files import disk
from reconciler.files.project import STATE_FOLDER
from reconciler.http.client import ApiClient
from reconciler.warehouse.mediation_answers import MediationAnswer

if TYPE_CHECKING:
    from reconciler.ports import Clock

_CALLS: Final = "chartboost-calls.json"


@dataclass(frozen=True, slots=True)
class ChartboostAccess:
    """What calls of Chartboost's API take. `folder` holds the times of calls: all that share it keep one limit."""

    environment: Environment
    observer: Observer
    clock: "Clock"
    folder: Path

    @classmethod
    def of(cls, workspace: Workspace) -> "ChartboostAccess":
        """That of a project, or of a user. Raises `UnfitFile` where a link has its folder's place."""
        folder = _calls_folder(workspace)
        return cls(workspace.environment, workspace.observer, workspace.clock, folder)

    def inform(self, message: str) -> None:
        """Pass a notice to the observer."""
        self.observer.notice(Notice(message))

    @contextmanager
    def chartboost(self, apps: Sequence[str] = ()) -> Iterator[Chartboost]:
        """Metrics of these apps, else of all, until the context is left. Raises `CredentialsError` without keys."""
        limiter = RequestLimit(self.folder / _CALLS, RATE, self.clock, told=self._tell_wait)
        keys = self.environment.credentials(CHARTBOOST_KEYS)
        with ApiClient(
            MEDIATION,
            self.environment.chartboost_url,
            keys,
            clock=self.clock,
            token_url=self.environment.chartboost_auth_url,
            before_request=limiter.acquire,
            patience=PATIENCE,
        ) as client:
            yield Chartboost(client, apps=apps, told=self.inform)

    def _tell_wait(self, seconds: float) -> None:
        until = self.clock.now() + timedelta(seconds=seconds)
        wait = f"waiting {seconds:.0f} s, until {until:%H:%M:%S} UTC"
        self.inform(f"Chartboost allows {RATE.requests} calls in ten minutes: {wait}")


def _calls_folder(workspace: Workspace) -> Path:
    """Where the times of calls lie: in the project, or in the user's cache."""
    if workspace.is_project:
        return disk.check_folder(workspace.root, f"{STATE_FOLDER}/reports")
    folder = cache_folder(workspace.environment.variables)
    try:
        return disk.make_folder(folder.parent, folder.name)
    except OSError:  # no home that may be written to, as in many a container
        return Path(gettempdir()) / "reconciler-cache"


def cache_folder(variables: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Where a program keeps what may be lost, by the rules of the platform: XDG's, Apple's or Windows'."""
    home = Path(variables.get("HOME") or variables.get("USERPROFILE") or Path.home())
    if platform == "win32":
        base = Path(variables.get("LOCALAPPDATA") or home / "AppData" / "Local")
        return base / "reconciler" / "Cache"
    if platform == "darwin":
        return home / "Library" / "Caches" / "reconciler"
    given = variables.get("XDG_CACHE_HOME", "")
    return (Path(given) if given.startswith("/") else home / ".cache") / "reconciler"


def mediation_report(access: ChartboostAccess, wish: MediationWish) -> RowsResult:
    """Ask, and add up. Raises `UsageError` before anything is sent, `CredentialsError` and `ApiError`."""
    query = wish.query(access.clock.now())
    answer, windows = MediationAnswer(query), query.windows()
    with access.chartboost() as chartboost:
        if len(windows) == 1:
            _ask(chartboost, query, windows[0], answer)
        else:
            with access.observer.progress("report") as listener:
                _ask_each(chartboost, query, windows, answer, listener)
    return RowsResult(answer.rows(access.clock.now()), is_whole=answer.is_whole)


def _ask_each(
    chartboost: Chartboost,
    query: MediationQuery,
    windows: Sequence[DayRange],
    answer: MediationAnswer,
    listener: StepListener,
) -> None:
    """Ask for all windows; one that has words alone is noted. Raises `WordsAlone` where all have."""
    listener.planned(len(windows))
    missed = 0
    for window in windows:
        listener.begun(Step(str(window)))
        try:
            rows = _ask(chartboost, query, window, answer)
        except WordsAlone as error:
            missed += 1
            if missed == len(windows):
                raise
            answer.miss(window, error.message)
            rows = 0
        listener.ended(StepEnd(str(window), rows=rows))


def _ask(chartboost: Chartboost, query: MediationQuery, window: DayRange, answer: MediationAnswer) -> int:
    """Ask for a window, in halves where one answer does not hold it; returns the number of rows."""
    rows = chartboost.ask(query.body(window))
    if rows is not None:
        answer.add(window, rows)
        return len(rows)
    if len(window) == 1:
        raise UnreadableAnswer(
            f"Chartboost's rows of {window} are more than can be read",
            hint="ask for some apps at a time (--filter apps=ID,ID), or for fewer dimensions",
        )
    return sum(_ask(chartboost, query, half, answer) for half in window.halves())
