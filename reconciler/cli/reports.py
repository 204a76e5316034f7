"""What the floors commands stand on: the project, its reports, the window of days, the method's rules."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler import disk
from reconciler.cli.session import Session
from reconciler.errors import ProjectError
from reconciler.floors.decide import Window
from reconciler.floors.rules import Rules
from reconciler.manifest.assemble import by_file, digest_of
from reconciler.manifest.settings import Settings
from reconciler.model.desired import DesiredState
from reconciler.model.secret import Secret
from reconciler.project import STATE_FOLDER, Project, changed_meanwhile, read_manifests
from reconciler.report.count import counted
from reconciler.workflow.floors import Ground, app_ids, ground
from reconciler.yaml.text import ManifestText

if TYPE_CHECKING:
    from reconciler.warehouse.report_store import ReportStore
    from reconciler.warehouse.user_report_intake import IntakeSettings as IntakeRules
    from reconciler.warehouse.warehouse import Warehouse

USUAL_DAYS: Final = 14
_ENGINE: Final = "RECONCILER_REPORTS_ENGINE"


def reports_folder(project: Project) -> Path:
    """Where a project's reports lie. Raises `UnfitFile` where a link has its place."""
    return disk.check_folder(project.root, f"{STATE_FOLDER}/reports")


@dataclass(frozen=True, slots=True)
class Desk:
    """One call of a floors command: its session, project, settings and manifests."""

    session: Session
    project: Project
    settings: Settings
    desired: DesiredState

    @classmethod
    def of(cls, session: Session) -> "Desk":
        """The desk for a session. Raises `ProjectError` and `InvalidManifests`."""
        project = session.project()
        return cls(session, project, session.settings(project), session.desired(project))

    @property
    def folder(self) -> Path:
        """Where reports lie. Raises `UnfitFile` where a link has its place."""
        return reports_folder(self.project)

    def manifests(self) -> list[ManifestText]:
        """The texts that declare what is desired. Raises `ProjectError` where they have changed since."""
        texts = by_file(read_manifests(self.project.root, self.settings.manifests))
        if digest_of(self.project.settings, texts) != self.desired.digest:
            raise changed_meanwhile("manifests")
        return texts

    def shelf(self) -> "ReportStore":
        """The reports that are there."""
        from reconciler.warehouse.report_store import ReportStore  # noqa: PLC0415 - the warehouse is slow to import

        return ReportStore(self.folder)

    def ground(self) -> Ground:
        """What manifests, ledger and journal tell of floors. Raises `ProjectError` where no floor is declared."""
        found = ground(self.desired, self.session.store(self.project, self.settings.publisher_id))
        if not found.declared:
            raise ProjectError(
                "no manifest declares floorPrices", hint="a placement takes part with a line such as WW: 0.01"
            )
        return found

    def rules(self) -> Rules:
        """The method's constants with the project's limits."""
        return Rules(safety=self.settings.safety)

    def warehouse(self) -> "Warehouse":
        """The reports to be asked; RECONCILER_REPORTS_ENGINE names another engine than the embedded one."""
        from reconciler.warehouse.warehouse import Warehouse  # noqa: PLC0415 - as above

        engine = self.session.environment.secret(_ENGINE)
        return Warehouse(self.folder, engine.reveal()) if engine else Warehouse(self.folder)

    def window(self, first: date | None, last: date | None) -> Window:
        """The days to look at: the last two weeks of what was fetched, unless they are named.

        Raises `ProjectError` where nothing was fetched of them.
        """
        today = self.session.clock.now().date()
        inside = [day for day in self._days() if (first or date.min) <= day <= (last or date.max)]
        if not inside:
            named = f" from {first or '...'} to {last or '...'}" if first or last else ""
            hint = "`reconciler floors fetch` fetches them, `reconciler reports import` takes those of other platforms"
            raise ProjectError(f"no reports{named} were fetched or imported", hint=hint)
        end = last or inside[-1]
        recent = [day for day in inside if day > end - timedelta(days=USUAL_DAYS)]
        return Window(first or recent[0], end, today)

    def earliest(self) -> date:
        """The first day of which anything was fetched; today where nothing was."""
        return min(self._days(), default=self.session.clock.now().date())

    def _days(self) -> list[date]:
        shelf = self.shelf()
        partitions = [each for source in ("chartboost", "dt", "imported") for each in shelf.partitions(source)]
        return sorted({date.fromisoformat(partition.day) for partition in partitions})

    def dt_apps(self) -> tuple[str, ...]:
        """The ids of the apps that manifests declare, by the ledger, a pin, or else the account; and those we own."""
        ledger = self.session.store(self.project, self.settings.publisher_id).ledger()
        known = app_ids(self.desired, ledger)
        if None in known.values() and self.session.environment.has("DT_CLIENT_ID", "DT_CLIENT_SECRET"):
            with self.session.reader(self.settings.publisher_id) as reader:
                known = app_ids(self.desired, ledger, reader)
        left = [address for address, app_id in known.items() if app_id is None]
        if left:
            told = f"{counted(len(left), 'app')} of the manifests, as {left[0]}: no id is known, no report asked for"
            self.session.console.talk(told)
        return tuple(sorted({app_id for app_id in known.values() if app_id is not None}))

    def intake_rules(self) -> "IntakeRules":
        """How DT's reports are read."""
        from reconciler.warehouse.report_store import project_salt  # noqa: PLC0415
        from reconciler.warehouse.user_report_csv import with_own  # noqa: PLC0415 - as above
        from reconciler.warehouse.user_report_intake import IntakeSettings as IntakeRules  # noqa: PLC0415

        told = self.settings.reports
        salt = project_salt(self.project.root / STATE_FOLDER) if told.people == "hash" else Secret("")
        return IntakeRules(salt, told.people, with_own(told.columns))
