import stat

import pytest
from support.reports import DAY, NOON, dt_row, of_users, store_dt

from reconciler.errors import LockHeld, ProjectError, UnfitFile
from reconciler.warehouse.report_store import Partition, ReportStore, project_salt

each = pytest.mark.parametrize
PLACE = Partition("dt", "170709", DAY.isoformat())


def test_the_salt_is_made_once_and_only_its_owner_reads_it(tmp_path):
    salt = project_salt(tmp_path / "state")
    assert project_salt(tmp_path / "state") == salt
    assert stat.S_IMODE((tmp_path / "state" / "salt").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["salt"]
    assert project_salt(tmp_path / "other") != salt


@each("text", ["", "short", "Z" * 64])
def test_a_salt_of_another_make_is_an_error_that_does_not_show_it(tmp_path, text):
    (tmp_path / "salt").write_text(text)
    with pytest.raises(ProjectError) as error:
        project_salt(tmp_path)
    assert not text or text not in str(error.value)


def test_a_partition_lies_where_its_source_app_and_day_say(tmp_path):
    store = ReportStore(tmp_path)
    metadata = store_dt(store, [dt_row(), dt_row(revenue="NaN")])
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*") if path.is_file())
    assert files == [
        "quarantine/source=dt/app=170709/day=2026-11-20/rows.jsonl",
        "source=dt/app=170709/day=2026-11-20/data.parquet",
        "source=dt/app=170709/day=2026-11-20/fetched.json",
    ]
    assert store.metadata(PLACE) == metadata
    assert metadata.fetched_at == NOON


def test_a_new_partition_replaces_the_old_one_and_its_quarantine(tmp_path):
    store = ReportStore(tmp_path)
    store_dt(store, [dt_row(), dt_row(revenue="NaN")])
    store_dt(store, of_users([dt_row(), dt_row()]))
    assert store.metadata(PLACE).rows == 2
    assert not list((tmp_path / "quarantine").rglob("*.jsonl"))


def test_data_without_a_marker_of_its_own_counts_as_missing(tmp_path):
    store = ReportStore(tmp_path)
    store_dt(store, [dt_row()])
    with (tmp_path / PLACE.folder / "data.parquet").open("ab") as file:
        file.write(b"x")
    assert store.metadata(PLACE) is None
    assert store.metadata(Partition("dt", "1", DAY.isoformat())) is None


@each("app", ["../../etc", "a/b", "..", "a=b", "ä %"])
def test_no_app_id_leads_out_of_the_folder(tmp_path, app):
    store = ReportStore(tmp_path)
    store_dt(store, [dt_row(app=app)], app=app)
    (path,) = tmp_path.rglob("data.parquet")
    assert len(path.relative_to(tmp_path).parts) == 4
    assert list(store.files("dt", DAY, DAY)) == [Partition("dt", app, DAY.isoformat())]


def test_one_fetch_at_a_time_and_leftovers_are_thrown_away(tmp_path):
    store = ReportStore(tmp_path)
    (tmp_path / "drafts" / "old").mkdir(parents=True)
    with store.locked():
        assert not (tmp_path / "drafts" / "old").exists()
        with pytest.raises(LockHeld), ReportStore(tmp_path).locked():
            pass


def test_a_draft_is_for_its_owner_and_gone_afterwards(tmp_path):
    with ReportStore(tmp_path).draft() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


@each("linked", ["salt", "."])
def test_a_salt_behind_a_link_is_neither_read_nor_made(tmp_path, linked):
    state, outside = tmp_path / "state", tmp_path / "outside"
    outside.mkdir()
    (outside / "salt").write_text("ab" * 32)
    if linked == ".":
        state.symlink_to(outside)
    else:
        state.mkdir()
        (state / "salt").symlink_to(outside / "salt")
    with pytest.raises(UnfitFile, match="not-a-regular-file"):
        project_salt(state)
    (outside / "salt").unlink()
    with pytest.raises(UnfitFile, match="not-a-regular-file"):
        project_salt(state)
    assert list(outside.iterdir()) == []


@each("linked", ["source=dt", "source=dt/app=170709", "source=dt/app=170709/day=2026-11-20"])
def test_reports_behind_a_linked_folder_are_neither_read_nor_written(tmp_path, linked):
    store, outside = ReportStore(tmp_path / "reports"), tmp_path / "outside"
    store_dt(store, [dt_row()])
    (store.root / linked).rename(outside)
    (store.root / linked).symlink_to(outside)
    before = {path: path.read_bytes() for path in outside.rglob("*.*") if path.is_file()}
    with pytest.raises(UnfitFile):
        store.partitions("dt")
    with pytest.raises(UnfitFile):
        store.metadata(PLACE)
    with pytest.raises(UnfitFile):
        store_dt(store, [dt_row(), dt_row()])
    assert {path: path.read_bytes() for path in outside.rglob("*.*") if path.is_file()} == before


@each("name", ["data.parquet", "fetched.json"])
def test_a_report_that_is_a_link_is_not_read(tmp_path, name):
    store = ReportStore(tmp_path / "reports")
    store_dt(store, [dt_row()])
    path = store.root / PLACE.folder / name
    path.rename(tmp_path / name)
    path.symlink_to(tmp_path / name)
    with pytest.raises(UnfitFile):
        store.metadata(PLACE)


@each("name", ["drafts", "quarantine", ".lock"])
def test_nothing_is_fetched_through_a_link(tmp_path, name):
    store, outside = ReportStore(tmp_path / "reports"), tmp_path / "outside"
    outside.mkdir()
    store.root.mkdir()
    place = outside / "file" if name == ".lock" else outside
    (store.root / name).symlink_to(place)

    def fetch():
        with store.locked():
            store_dt(store, [dt_row(), dt_row(revenue="NaN")])

    with pytest.raises(UnfitFile):
        fetch()
    assert list(outside.iterdir()) == []
