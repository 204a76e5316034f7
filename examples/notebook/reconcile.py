# %% [markdown]
# # A round of reconciling, from Python
#
# Each cell does what a command does: open a project, validate, plan, apply, find what somebody changed in the console,
# and look at the journal as a table. It runs against a sandbox of its own, on a copy of `examples/studio`. Open it as
# a notebook in an editor that knows `# %%` cells, or run it as a script: `python examples/notebook/reconcile.py`. It
# takes PyArrow, which comes with the extra `floors`.

# %%
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from reconciler.api import Notice, Observer, PlanResult, Project

EXAMPLES = Path(__file__).resolve().parents[1] if "__file__" in globals() else Path("..").resolve()
RECONCILER = [sys.executable, "-m", "reconciler"]

# %% [markdown]
# A sandbox prints what to export. The project is given these variables and not the whole environment.

# %%
exports = subprocess.run(
    [*RECONCILER, "sandbox", "--detach", "--port", "0", "--seed", "demo"], check=True, capture_output=True, text=True
).stdout
sandbox = dict(pair.split("=", 1) for line in exports.splitlines() for pair in line.split()[1:])
PORT = sandbox["DT_MANAGEMENT_URL"].rpartition(":")[2]


class Talk(Observer):
    """Shows what goes on."""

    def notice(self, notice: Notice) -> None:
        print(f"{notice.level}: {notice.message}")


folder = Path(tempfile.mkdtemp()) / "studio"
shutil.copytree(EXAMPLES / "studio", folder)
project = Project.open(folder, environ={**sandbox, "USER": os.environ.get("USER", "notebook")}, observer=Talk())

# %% [markdown]
# Findings are values: nothing is raised for them.

# %%
checked = project.validate()
print(len(checked.errors), "errors,", len(checked.warnings), "warnings")

# %% [markdown]
# A plan reads the account and writes nothing. As a table it has a row for each field that would change.

# %%
plan = project.plan()
print(plan.summary)
print(plan.to_arrow().select(["action", "address", "path", "after"]).slice(0, 10))

# %% [markdown]
# `apply` holds the plan to the account as it is now, under the lock, and carries it out.

# %%
result = project.apply(plan)
print(f"run {result.run}: {len(result.results)} steps, all done: {result.is_done}")
print(result.to_arrow().group_by(["action", "outcome"]).aggregate([("address", "count")]))

# %% [markdown]
# Somebody changes a floor in the console.

# %%
subprocess.run(
    [sys.executable, EXAMPLES / "demo" / "console.py", "com.example.harbordash", "level_end_high", "US", "10"],
    check=True, env={**os.environ, **sandbox},
)  # fmt: skip
audit = project.drift()
print(audit.to_dict()["summary"])
for item in audit.alarming:
    print(item.of, item.address)

# %% [markdown]
# Planning and applying in one call asks a function in between: here, whether nothing is made or taken away.

# %%


def only_updates(plan: PlanResult) -> bool:
    """Approve a plan that updates and does nothing else."""
    return not (plan.summary.create or plan.summary.deactivate or plan.summary.delete)


repaired = project.plan_and_apply(approve=only_updates)
print("done:", repaired.is_done, "- left to alarm:", len(project.drift().alarming))

# %% [markdown]
# The journal as a table: a row for each field of each step.

# %%
steps = project.history(run=repaired.run).to_arrow()
print(steps.select(["at", "action", "address", "field", "before", "after"]))

# %%
subprocess.run([*RECONCILER, "sandbox", "--stop", "--port", PORT], check=True, capture_output=True)
shutil.rmtree(folder.parent)
