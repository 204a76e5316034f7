"""What people type who know other tools (OpenTofu, decK, octoDNS, DNSControl, Pulumi), and what it is called here."""

from collections.abc import Mapping, Sequence
from typing import Final

import click

COMMANDS: Final[Mapping[str, str]] = {
    "check": "`reconciler validate` checks the manifests",
    "convert": "`reconciler fmt` puts manifests in order, `reconciler render` expands them",
    "deploy": "`reconciler apply` makes the account as declared",
    "destroy": "declare `state: absent` in a block, or take it away with `prune: deactivate` or `delete`; then `apply`",
    "diff": "`reconciler plan` shows what apply would do",
    "down": "declare `state: absent` in a block, or take it away with `prune: deactivate` or `delete`; then `apply`",
    "dump": "`reconciler pull` writes manifests for what is live",
    "export": "`reconciler pull` writes manifests for what is live, `reconciler list --format csv` a list of it",
    "format": "`reconciler fmt` puts manifests in order",
    "gateway": "`plan`, `apply` and `pull` stand alone, as in `reconciler plan`",
    "help": "`reconciler --help` shows the commands, `reconciler COMMAND --help` one of them",
    "import": "`reconciler pull` adopts what is live; the pins `appId` and `placementId` name single resources",
    "lint": "`reconciler validate` checks the manifests",
    "log": "`reconciler history` shows what was done",
    "login": "set DT_CLIENT_ID and DT_CLIENT_SECRET; `reconciler ping` says whether they are good",
    "ls": "`reconciler list` shows what is declared, owned and live",
    "preview": "`reconciler plan` shows what apply would do",
    "push": "`reconciler apply` makes the account as declared",
    "refresh": "each plan reads the account anew; `reconciler drift` audits it, `reconciler pull` takes it over",
    "rm": "declare `state: absent` in a block, or take it away with `prune: deactivate` or `delete`; then `apply`",
    "show-plan": "`reconciler show FILE` shows a saved plan",
    "state": "`reconciler list` shows what is owned and live, `reconciler history` what was done",
    "status": "`reconciler list` shows what is declared, owned and live, `reconciler drift` what differs",
    "sync": "`reconciler apply` makes the account as declared",
    "up": "`reconciler apply` makes the account as declared",
    "version": "`reconciler --version` says it",
}

OPTIONS: Final[Mapping[str, str]] = {
    "auto-approve": "--yes applies without asking",
    "chdir": "--project PATH names the project's folder",
    "config": "--project PATH names the project's folder",
    "destroy": "there is no such switch: declare `state: absent` in a block, or take it away with `prune`",
    "doit": "`reconciler apply` writes, and asks before; --yes applies without asking",
    "dry-run": "`reconciler plan` writes nothing",
    "force": "a limit names the switch that lifts it, as --max-deletes N and --allow-floor-jump do",
    "json": "--format json",
    "lock": "the lock is always taken; a run that was killed leaves none",
    "output": "--format chooses how to print, --out FILE saves a plan",
    "refresh": "each plan reads the account anew",
    "refresh-only": "`reconciler drift` audits the account, `reconciler pull` takes it over",
    "replace": "nothing is replaced: what cannot be changed is blocked, with what can be done",
    "state": "the ledger is reconciler.lock, or where RECONCILER_STORE says; --project PATH names the project",
    "target": "--only GLOB, as in --only 'android:com.a/*'",
    "var": "there are no variables: values stand in the manifests, and for many placements under `defaults`",
    "var-file": "there are no variables: values stand in the manifests, and for many placements under `defaults`",
    "y": "--yes applies without asking",
}


def hint_of_option(wrong: click.UsageError, words: Sequence[str]) -> str:
    """What an option that does not exist is called here; empty where that is not known. `words` are all that was typed.

    Of `-target`, click tells only that there is no `-t`, so the words are looked through.
    """
    if not isinstance(wrong, click.NoSuchOption):
        return ""
    known = {name for part in wrong.ctx.command.params for name in part.opts} if wrong.ctx is not None else set()
    for word in words:
        name = word.lstrip("-").partition("=")[0]
        if word == "--":
            break
        if not word.startswith("-") or word.partition("=")[0] in known:
            continue
        if not word.startswith("--") and len(name) > 1 and f"--{name}" in known:
            return f"two dashes: --{name}"
        if name in OPTIONS:
            return OPTIONS[name]
    return ""
