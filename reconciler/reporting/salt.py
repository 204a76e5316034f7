"""The project's salt: what keeps hashed device ids from being looked up in a list of all of them."""

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
        disk.check(root, name)
        disk.create(root, name, secrets.token_hex(32).encode(), mode=0o600)
        text = disk.read(root, name).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise ProjectError(f"{_NAME}: the salt can be neither read nor written", hint=_LOST) from wrong
    if not _HEX.fullmatch(text):
        raise ProjectError(f"{_NAME} holds no salt of ours", hint=_LOST)
    return Secret(text)
