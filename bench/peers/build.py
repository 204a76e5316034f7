"""OpenTofu and its REST provider from source, by way of the Go module proxy: built once, and kept by their versions."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from place import WORK, PeerMissingError

TOFU = "github.com/opentofu/opentofu", "v1.12.6"
RESTAPI = "github.com/Mastercard/terraform-provider-restapi", "v1.20.0"
RELEASED = "-X github.com/opentofu/opentofu/version.dev=no"
"""As the project builds its releases, which differ from its other builds in what they try out."""


def tofu() -> Path:
    return _built(*TOFU, "./cmd/tofu", "tofu")


def restapi() -> Path:
    return _built(*RESTAPI, ".", "terraform-provider-restapi")


def _built(module: str, version: str, package: str, name: str) -> Path:
    """The binary of a package, in a folder of its own. `go install` refuses modules whose go.mod replaces others."""
    binary = WORK / f"{name}-{version}" / name
    if not binary.exists():
        if shutil.which("go") is None:
            raise PeerMissingError("no Go")
        print(f"building {name} {version}, which takes minutes the first time", file=sys.stderr, flush=True)
        binary.parent.mkdir(parents=True, exist_ok=True)
        source = json.loads(_go("mod", "download", "-json", f"{module}@{version}"))["Dir"]
        unfinished = binary.with_suffix(".part")
        _go("build", "-C", source, "-trimpath", "-ldflags", f"-s -w {RELEASED}", "-o", str(unfinished), package)
        unfinished.rename(binary)
    return binary


def _go(*arguments: str) -> str:
    done = subprocess.run(["go", *arguments], cwd=WORK, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr or done.stdout).strip().splitlines()
        raise PeerMissingError(f"go {arguments[0]} failed: {why[-1] if why else done.returncode}")
    return done.stdout
