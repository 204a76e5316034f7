"""An audit as OpenMetrics text, for dashboards and alerts.

The format is https://prometheus.io/docs/specs/om/open_metrics_spec/. Every sample says whose it is, so that several
projects can be told apart in one place; no label holds a name from the network.
"""

from collections.abc import Iterator
from datetime import datetime

from reconciler.diff.audit import CLASSES, Audit, summary
from reconciler.report.sanitise import visible


def metrics_text(audit: Audit, project: str = "") -> str:
    """Resources by class, the coverage, when the audit was, and how long the oldest alarm is open; ends with EOF.

    Every sample carries the labels `publisher` (the id) and `project`, what the project is called where it is run.
    """
    return "\n".join((*_lines(audit, project), "# EOF"))


def _lines(audit: Audit, project: str) -> Iterator[str]:
    counts = summary(audit)
    at = datetime.fromisoformat(audit.at)
    whose = f'publisher="{_label(audit.publisher_id)}",project="{_label(project)}"'
    yield "# TYPE reconciler_drift_resources gauge"
    yield "# HELP reconciler_drift_resources Resources by what an audit made of them."
    yield from (f'reconciler_drift_resources{{{whose},class="{of}"}} {counts.count(of)}' for of in CLASSES)
    yield "# TYPE reconciler_coverage_ratio gauge"
    yield "# UNIT reconciler_coverage_ratio ratio"
    yield "# HELP reconciler_coverage_ratio Managed share of the live resources, 0 to 1."
    yield f"reconciler_coverage_ratio{{{whose}}} {round(counts.coverage_percent / 100, 6):g}"
    yield "# TYPE reconciler_audit_timestamp_seconds gauge"
    yield "# UNIT reconciler_audit_timestamp_seconds seconds"
    yield "# HELP reconciler_audit_timestamp_seconds When the audit looked at the account."
    yield f"reconciler_audit_timestamp_seconds{{{whose}}} {int(at.timestamp())}"
    opened = [datetime.fromisoformat(since) for since in audit.open_since.values()]
    oldest = max(((at - since).total_seconds() for since in opened), default=0.0)
    yield "# TYPE reconciler_drift_oldest_open_seconds gauge"
    yield "# UNIT reconciler_drift_oldest_open_seconds seconds"
    yield "# HELP reconciler_drift_oldest_open_seconds How long the oldest alarm has been open."
    yield f"reconciler_drift_oldest_open_seconds{{{whose}}} {int(oldest)}"


def _label(value: str) -> str:
    """A label's value: what cannot be seen is shown by its code, line ends too, and quotes are escaped."""
    return visible(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
