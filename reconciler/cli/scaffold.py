"""Texts of `init` and of mistyped commands: project files, CI files for GitHub and GitLab, and hints.

The hints say what commands and options of OpenTofu, decK, octoDNS, DNSControl and Pulumi are called here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from textwrap import indent
from typing import Final, Literal, TypeAlias, assert_never

import click

from reconciler.api.environment import Environment
from reconciler.cli.source import UNKNOWN, Commit, InstallSource, Wheel
from reconciler.errors import ProjectError
from reconciler.files.project import SETTINGS_NAME
from reconciler.manifest.schema import schema_texts

COMMANDS: Final[Mapping[str, str]] = {
    "check": "`reconciler validate` checks the manifests",
    "convert": "`reconciler fmt` puts manifests in order, `reconciler render` expands them",
    "deploy": "`reconciler apply` makes the account as declared",
    "describe": "`reconciler get ADDRESS -v` shows what is live, field by field",
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


def option_hint(error: click.UsageError, words: Sequence[str]) -> str:
    """A hint for an option that does not exist; empty if there is none. `words` are the arguments as typed.

    For `-target`, click reports only that there is no `-t`, so the words are searched.
    """
    if not isinstance(error, click.NoSuchOption):
        return ""
    names = {name for part in error.ctx.command.params for name in part.opts} if error.ctx is not None else set()
    for word in words:
        name = word.lstrip("-").partition("=")[0]
        if word == "--":
            break
        if not word.startswith("-") or word.partition("=")[0] in names:
            continue
        if not word.startswith("--") and len(name) > 1 and f"--{name}" in names:
            return f"two dashes: --{name}"
        if name in OPTIONS:
            return OPTIONS[name]
    return ""


Ci: TypeAlias = Literal["github", "gitlab", "none"]
UNKNOWN_ACCOUNT: Final = "0"
"""What CI files call an account whose publisher is not known; to be filled in."""
EXAMPLE: Final = "apps/example.yaml"

_PARTS: Final = {"reconciler.yaml": SETTINGS_NAME, "apps/example.yaml": EXAMPLE, "gitignore": ".gitignore"}
_COMMIT_INPUT: Final = f"""    commit:
      description: Its commit, all 40 digits.
      default: "{UNKNOWN.commit}"
"""
_SCHEME: Final = re.compile(r"^\w+://")
_WRITABLE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]*")
"""Names of branches and folders that can stand in a workflow as they are."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a new project stands.

    `folder` is its own in the repository, empty at the `root`; `branch` the one that is applied; `source` from where
    its jobs install this program; `is_pushed` whether its commit is one that others can have, as far as is known;
    `account` its publisher id.
    """

    root: Path
    folder: str
    ci: Ci
    branch: str = "main"
    source: InstallSource = UNKNOWN
    is_pushed: bool = True
    account: str = UNKNOWN_ACCOUNT


def surroundings(directory: Path, environment: Environment, wanted: Ci | None) -> Surroundings:
    """What git says about a folder; outside of a repository the folder is the root of one to come, at GitHub."""
    place = directory.resolve()
    existing = next((folder for folder in (place, *place.parents) if folder.is_dir()), place)
    root = Path(_git(existing, environment, "rev-parse", "--show-toplevel") or place)
    folder = place.relative_to(root).as_posix() if place.is_relative_to(root) and place != root else ""
    remote = _git(existing, environment, "remote", "get-url", "origin")
    head = _git(existing, environment, "symbolic-ref", "--short", "refs/remotes/origin/HEAD").removeprefix("origin/")
    branch = head or _git(existing, environment, "symbolic-ref", "--short", "HEAD")
    main = branch if _WRITABLE.fullmatch(branch) and (head or branch in {"main", "master", "trunk"}) else "main"
    return Surroundings(root, folder, wanted or _ci_of(root, remote), main)


def _ci_of(root: Path, remote: str) -> Ci:
    """By the host of the remote, else by what is there already."""
    host = _SCHEME.sub("", remote).rpartition("@")[2].partition("/")[0].partition(":")[0].lower()
    if "gitlab" in host:
        return "gitlab"
    there = (root / ".gitlab-ci.yml").exists() or (root / ".gitlab").exists()
    return "gitlab" if there and "github" not in host and not (root / ".github").exists() else "github"


def _git(folder: Path, environment: Environment, *arguments: str) -> str:
    """What git answers; empty where it has nothing to say, and where there is no git."""
    from reconciler.forge.commits import Git  # noqa: PLC0415 - httpx costs 0.15 s

    try:
        well, output = Git(folder, environment.variables).try_run(*arguments)
    except ProjectError:
        return ""
    return output if well else ""


def project_texts(publisher_id: str) -> dict[str, str]:
    """The files of a new project but for those of CI, by their path in it."""
    texts = {target: _skeleton(part) for part, target in _PARTS.items()}
    texts[SETTINGS_NAME] = texts[SETTINGS_NAME].replace("{publisher_id}", publisher_id)
    return {**texts, **{f"schemas/{name}": text for name, text in schema_texts().items()}}


def ci_texts(around: Surroundings) -> dict[str, str]:
    """The files that make its jobs run, by their path in the repository. Raises `ProjectError` for odd folder names."""
    if around.ci != "none" and around.folder and not _WRITABLE.fullmatch(around.folder):
        raise ProjectError(
            "the folder's name cannot stand in a CI file as it is", hint="--ci none leaves the CI files out"
        )
    match around.ci:
        case "github":
            texts = _github(around)
        case "gitlab":
            texts = _gitlab(around)
        case "none":
            return {}
    of_account = {
        "account-0": f"account-{around.account}",
        'RECONCILER_ACCOUNT: "0"': f'RECONCILER_ACCOUNT: "{around.account}"',
    }
    return {name: _with_source(_replace_all(text, of_account), around.source) for name, text in texts.items()}


def _with_source(text: str, source: InstallSource) -> str:
    """A CI file whose jobs install from a source; the skeleton's install from `UNKNOWN`."""
    match source:
        case Commit():
            return _replace_all(
                text, {f'"{UNKNOWN.url}"': f'"{source.url}"', f'"{UNKNOWN.commit}"': f'"{source.commit}"'}
            )
        case Wheel():
            steps = {
                indent(_skeleton("install/commit.sh"), " " * wide): indent(_skeleton("install/wheel.sh"), " " * wide)
                for wide in (10, 6)
            }
            pins = {
                f'RECONCILER_SOURCE: "{UNKNOWN.url}"': f'RECONCILER_WHEEL: "{source}"',
                f'  RECONCILER_COMMIT: "{UNKNOWN.commit}"\n': "",
                f'"{UNKNOWN.url}"': f'"{source}"',
                'RECONCILER_SOURCE: "$[[ inputs.source ]]"': 'RECONCILER_WHEEL: "$[[ inputs.source ]]"',
                '    RECONCILER_COMMIT: "$[[ inputs.commit ]]"\n': "",
                "The repository that the program is installed from.": "The wheel that the program is installed from.",
                _COMMIT_INPUT: "",
            }
            return _replace_all(text, {**steps, **pins})
    assert_never(source)


def _github(around: Surroundings) -> dict[str, str]:
    slug = f"-{around.folder.replace('/', '-')}" if around.folder else ""
    in_a_folder = {
        "    shell: bash\n": f"    shell: bash\n    working-directory: {around.folder}\n",
        'paths: [reconciler.yaml, "apps/**"]': f'paths: ["{around.folder}/reconciler.yaml", "{around.folder}/apps/**"]',
        "name: reconcile\n": f"name: reconcile{slug}\n",
        "name: drift\n": f"name: drift{slug}\n",
        "name: floors\n": f"name: floors{slug}\n",
        "group: reconcile-": f"group: reconcile{slug}-",
        "group: drift": f"group: drift{slug}",
        "group: floors": f"group: floors{slug}",
        "path: .reconciler/": f"path: {around.folder}/.reconciler/",
        "hashFiles('.reconciler/": f"hashFiles('{around.folder}/.reconciler/",
        "            .reconciler/": f"            {around.folder}/.reconciler/",
        "reconciler-journal-": f"reconciler-journal{slug}-",
        "reconciler-loads-": f"reconciler-loads{slug}-",
        "reconciler-audits-": f"reconciler-audits{slug}-",
        "--as plan": f"--as plan{slug}",
        "--as apply": f"--as apply{slug}",
        "--as drift": f"--as drift{slug}",
        "--as floors": f"--as floors{slug}",
    }
    of_branch = {"branches: [main]": f'branches: ["{around.branch}"]', "ref: main": f'ref: "{around.branch}"'}
    changes = {**(in_a_folder if around.folder else {}), **({} if around.branch == "main" else of_branch)}
    return {
        f".github/workflows/{name}{slug}.yml": _replace_all(_skeleton(f"github/{name}.yml"), changes)
        for name in ("reconcile", "drift", "floors")
    } | {".github/CODEOWNERS": _codeowners(around, "/.github/")}


def _gitlab(around: Surroundings) -> dict[str, str]:
    """For the first project of a repository a template, for each further one the component by a name of its own."""
    template = "reconciler.gitlab-ci.yml"
    common = {
        ".gitlab-ci.yml": _skeleton("gitlab/gitlab-ci.yml"),
        ".gitlab/CODEOWNERS": _codeowners(around, "/*.gitlab-ci.yml"),
    }
    if around.folder and (around.root / template).exists():
        slug = around.folder.replace("/", "-").replace(".", "-")
        changes = {"{slug}": slug, "{folder}": around.folder, 'account: "0"': f'account: "{around.account}"'}
        return {
            ".gitlab/reconciler.component.yml": _skeleton("gitlab/component.yml"),
            f"reconciler-{slug}.gitlab-ci.yml": _replace_all(_skeleton("gitlab/included.yml"), changes),
            **common,
        }
    text = _skeleton(f"gitlab/{template}")
    if around.folder:
        text = text.replace("RECONCILER_FOLDER: . ", f"RECONCILER_FOLDER: {around.folder} ")
        listed = "- reconciler.yaml\n    - apps/**/*\n"
        text = text.replace(listed, f"- {around.folder}/reconciler.yaml\n    - {around.folder}/apps/**/*\n")
    return {template: text, **common}


def _codeowners(around: Surroundings, ci_files: str) -> str:
    folder = f"/{around.folder}/" if around.folder else "/"
    return _replace_all(_skeleton("codeowners"), {"{ci_files}": ci_files, "{folder}": folder})


def _replace_all(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def _skeleton(name: str) -> str:
    return files("reconciler.cli").joinpath("skeleton", name).read_text(encoding="utf-8")
