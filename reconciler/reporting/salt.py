"""The project's salt: what keeps hashed device ids from being looked up in a list of all of them."""

import os
import re
import secrets
from pathlib import Path
from typing import Final

from reconciler import disk
from reconciler.errors import ProjectError
from reconciler.model.secret import Secret

_NAME: Final = "salt"
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_LOST: Final = "remove the file to begin with another salt; users seen so far are then counted as others"


def project_salt(state: Path) -> Secret:
    """The salt in the project's state folder (`.reconciler`), made at random where there is none, for its owner alone.

    Raises `ProjectError` where it can be neither read nor written.
    """
    root, name = state.parent, f"{state.name}/{_NAME}"
    try:
        disk.make_folder(root, state.name)
        path = disk.check(root, name)
        if not path.exists():
            _write(path)
        text = disk.read(root, name).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise ProjectError(f"{_NAME}: the salt can be neither read nor written", hint=_LOST) from wrong
    if not _HEX.fullmatch(text):
        raise ProjectError(f"{_NAME} holds no salt of ours", hint=_LOST)
    return Secret(text)


def _write(path: Path) -> None:
    """Whole or not at all, and never over one that another run has just written."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        if not path.exists():
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
