import pytest

from reconciler.api.environment import MANAGEMENT_URL, Environment
from reconciler.errors import CredentialsError


def test_the_vendors_host_is_the_default():
    assert Environment({}).management_url == MANAGEMENT_URL
    assert Environment({"DT_MANAGEMENT_URL": ""}).management_url == MANAGEMENT_URL
    assert Environment({"DT_MANAGEMENT_URL": "http://127.0.0.1:1"}).management_url == "http://127.0.0.1:1"


def test_a_secret_comes_from_the_variable_or_the_file_and_the_variable_wins(tmp_path):
    (tmp_path / "s").write_text(" from-file\n")
    named = {"X_FILE": str(tmp_path / "s")}
    assert Environment({"X": " direct "}).secret("X").reveal() == "direct"
    assert Environment(named).secret("X").reveal() == "from-file"
    assert Environment({**named, "X": "direct"}).secret("X").reveal() == "direct"
    assert Environment({}).secret("X") is None


def test_nothing_that_is_printed_of_it_shows_a_secret():
    environment = Environment({"X": "canary"})
    assert "canary" not in f"{environment!r} {environment.secret('X')!r} {environment.secret('X')}"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
def test_a_file_without_a_secret_is_an_error_that_names_the_variable_and_not_the_file(tmp_path, content):
    path = tmp_path / "canary"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CredentialsError) as wrong:
        Environment({"X_FILE": str(path)}).secret("X")
    assert "X_FILE" in wrong.value.message
    assert "canary" not in wrong.value.message


def test_a_missing_one_is_an_error_with_a_hint():
    with pytest.raises(CredentialsError, match="X is not set") as wrong:
        Environment({}).required_secret("X")
    assert "X_FILE" in wrong.value.hint


def test_bytes_that_are_no_text_are_an_error_that_does_not_show_them():
    with pytest.raises(CredentialsError, match="X is not UTF-8 text") as wrong:
        Environment({"X": "canary\udcff"}).secret("X")
    assert wrong.value.__cause__ is None


def test_who_runs_it_is_told_by_the_ci_first():
    ci = {"GITHUB_ACTOR": "ada", "USER": "runner", "GITHUB_SHA": "abc", "GITHUB_RUN_ID": "7"}
    assert Environment(ci).who() == {"user": "ada", "commit": "abc", "job": "7"}
    assert Environment({"USER": "ada"}).who() == {"user": "ada"}
    assert set(Environment({}).who()) == {"user"}
