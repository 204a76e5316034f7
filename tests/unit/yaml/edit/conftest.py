import pytest

from reconciler.errors import EditError
from reconciler.yaml.apply_edits import apply_edits


@pytest.fixture
def edited():
    """The text with edits carried out."""

    def made(text, *edits):
        return apply_edits(text.encode(), edits).decode()

    return made


@pytest.fixture
def refused():
    """The findings that edits are refused with."""

    def found(text, *edits):
        with pytest.raises(EditError) as raised:
            apply_edits(text.encode(), edits, "apps/a.yaml")
        return raised.value.findings

    return found
