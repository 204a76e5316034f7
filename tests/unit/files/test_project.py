import pytest

from reconciler.errors import ProjectError
from reconciler.files.project import read_manifests, write_manifests
from reconciler.yaml.scalar import ManifestText

APP = "version: 1\napps: [{{platform: ios, bundle: {}}}]\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "reconciler.yaml").write_text('version: 1\npublisherId: "3432"\n')
    (tmp_path / "apps").mkdir()
    for name in ("a", "b"):
        (tmp_path / "apps" / f"{name}.yaml").write_text(APP.format(f"com.{name}"))
    return tmp_path


def texts(root):
    return read_manifests(root, ("apps/*.yaml",))


def edited(manifests):
    return [ManifestText(text.file, text.data + b"# more\n") for text in manifests]


def test_manifests_that_stand_as_they_were_read_are_written_and_new_ones_beside_them(root):
    read = texts(root)
    new = [*edited(read), ManifestText("apps/c.yaml", APP.format("com.c").encode())]
    write_manifests(root, read, new)
    assert texts(root) == new


def test_where_one_manifest_has_changed_since_it_was_read_none_is_written(root):
    read = texts(root)
    (root / "apps" / "b.yaml").write_text("version: 1\napps: []\n")
    there = texts(root)
    with pytest.raises(ProjectError, match=r"apps/b\.yaml changed"):
        write_manifests(root, read, edited(read))
    assert texts(root) == there
