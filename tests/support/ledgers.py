"""Ledger files as tests look at them."""

from pathlib import Path

from reconciler.model.ledger import Ledger
from reconciler.store.ledger_file import read_ledger_file


def read_ledger(path: Path) -> Ledger | None:
    """The entries of a ledger file of any account; None where there is no file."""
    ledger_file = read_ledger_file(path)
    return None if ledger_file is None else ledger_file.entries
