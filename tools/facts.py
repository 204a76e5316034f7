"""What the reference says beside what it reads from the program; tests hold it to the code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.api.environment import CHARTBOOST_AUTH_URL, CHARTBOOST_URL, MANAGEMENT_URL, REPORTING_URL


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. `secret`: it may be read from the file that the variable with `_FILE` behind names."""

    name: str
    meaning: str
    unset: str = ""
    secret: bool = False


VARIABLES: Final = (
    Variable("DT_CLIENT_ID", "Client id for the Management API.", secret=True),
    Variable("DT_CLIENT_SECRET", "Its secret.", secret=True),
    Variable("DT_REPORTING_CLIENT_ID", "Client id for User Level Reporting.", "no reports of DT's", secret=True),
    Variable("DT_REPORTING_CLIENT_SECRET", "Its secret.", secret=True),
    Variable("CHARTBOOST_CLIENT_ID", "Client id for Mediation Reporting.", "no reports of Chartboost's", secret=True),
    Variable("CHARTBOOST_CLIENT_SECRET", "Its secret.", secret=True),
    Variable(
        "RECONCILER_STORE",
        "Where ledger, journal and lock live: `postgresql://...` is a database that all runners share.",
        "files in the project",
        secret=True,
    ),
    Variable(
        "RECONCILER_CACHE", "`off`: what manifests were read as is not remembered.", "remembered in `.reconciler`"
    ),
    Variable(
        "RECONCILER_CACHE_KEY",
        "A secret of 16 characters or more, which seals what is remembered so that jobs of a CI system can carry it.",
        "sealed for this checkout alone",
        secret=True,
    ),
    Variable(
        "RECONCILER_GIT_PASSWORD",
        "The password with which `ci ledger` pushes over https; it sets it itself, for git alone.",
        "git's own credentials",
    ),
    Variable("RECONCILER_LEDGER", "How `ci ledger` keeps the ledger: `push`, `request` or `signed`.", "push"),
    Variable("RECONCILER_NOTIFY_URL", "The webhook that `drift` posts alarms to.", "no post", secret=True),
    Variable(
        "RECONCILER_REPORTS_ENGINE",
        "What asks the fetched reports: a connection string of Ibis, as in `pyspark://?spark.master=local[4]`.",
        "DuckDB, inside the process",
        secret=True,
    ),
    Variable(
        "RECONCILER_EVIDENCE_URL",
        "The database whose tables `reports import` takes in: a connection string of Ibis.",
        "the URL stands before the table's name",
        secret=True,
    ),
    Variable("DT_MANAGEMENT_URL", "Scheme, host and port of the Management API.", MANAGEMENT_URL),
    Variable("DT_REPORTING_URL", "The same of User Level Reporting.", REPORTING_URL),
    Variable("CHARTBOOST_API_URL", "The same of Mediation Reporting.", CHARTBOOST_URL),
    Variable(
        "CHARTBOOST_AUTH_URL",
        "Where its tokens come from; it may name the path, as in `https://helium-api.chartboost.com/v5/oauth/token`.",
        CHARTBOOST_AUTH_URL,
    ),
    Variable("HTTPS_PROXY", "The proxy to go through; `ALL_PROXY` and `NO_PROXY` count too.", "no proxy"),
    Variable("SSL_CERT_FILE", "A file of certificates to trust; `SSL_CERT_DIR` is a folder of them.", "the usual ones"),
    Variable("NO_COLOR", "Anything: no colours.", "colours on a terminal"),
)

EXIT_CODES: Final[Mapping[int, str]] = {
    0: "Done; nothing to do; a plan was made.",
    1: "Failed: manifests, settings, network, API; or a question that was not answered with yes.",
    2: "There are differences: `plan --detailed-exitcode`; `drift` where something drifted.",
    3: "Incomplete: something failed, was blocked, or has an unknown outcome. The account of each is exact.",
    4: "The saved plan is stale.",
    5: "Another run holds the lock.",
    6: "Refused by a safety limit or a policy; the message names the switch that would allow it.",
    64: "Wrong usage.",
    130: "Interrupted; calls that were on their way were finished and recorded first.",
}

EVERYWHERE: Final = (0, 1, 64, 130)
"""The codes that any command may end with; the others are named in the help of those that do."""
