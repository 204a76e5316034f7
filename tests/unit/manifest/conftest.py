import pytest

from reconciler.manifest.load import ManifestText, load_desired, load_settings

HEAD = "version: 1\napps:\n  - platform: android\n    bundle: com.a\n"


def loaded(manifests, settings=""):
    text = ManifestText("reconciler.yaml", f'version: 1\npublisherId: "3432"\n{settings}'.encode())
    read, findings = load_settings(text)
    assert findings == ()
    files = {"apps/a.yaml": manifests} if isinstance(manifests, str) else manifests
    return load_desired(read, text, [ManifestText(file, data.encode()) for file, data in files.items()])


@pytest.fixture
def load():
    """Loads manifests, given as one text or as texts by file, with what settings say beyond version and publisher."""
    return loaded


@pytest.fixture
def app():
    """The one app of a manifest that continues after its bundle."""

    def made(body, settings=""):
        found = loaded(HEAD + body, settings)
        assert found.findings == ()
        return found.state.apps[0]

    return made


@pytest.fixture
def placement(app):
    """The one placement of an app, written in flow style."""

    def made(block, settings=""):
        (only,) = app(f"    placements: [{block}]\n", settings).placements
        return only

    return made
