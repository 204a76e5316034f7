from support.command import ONE_APP, Project

UNTIDY = """\
apps:
- bundle: com.a
  platform: android   # the store
  name: A
version: 1
"""
TIDY = """\
version: 1
apps:
  - platform: android   # the store
    bundle: com.a
    name: A
"""


def test_check_names_the_files_and_writes_nothing(tmp_path):
    project = Project(tmp_path)
    project.write("apps/a.yaml", UNTIDY)
    project.write("apps/b.yaml", ONE_APP.replace("com.a", "com.b"))
    done = project.call("fmt", "--check")
    assert (done.code, done.out) == (1, "apps/a.yaml\n")
    assert project.read("apps/a.yaml") == UNTIDY


def test_fmt_writes_them_and_is_then_content(tmp_path):
    project = Project(tmp_path)
    project.write("apps/a.yaml", UNTIDY)
    assert project.call("fmt").code == 0
    assert project.read("apps/a.yaml") == TIDY
    assert (project.call("fmt", "--check").code, project.call("fmt").out) == (0, "")


def test_only_the_paths_given_are_formatted(tmp_path):
    project = Project(tmp_path)
    project.write("apps/a.yaml", UNTIDY)
    project.write("apps/deep/b.yaml", UNTIDY)
    assert project.call("fmt", str(tmp_path / "apps/deep")).code == 0
    assert project.read("apps/a.yaml") == UNTIDY
    assert project.read("apps/deep/b.yaml") == TIDY


def test_a_file_with_an_error_stays_and_the_others_are_formatted(tmp_path):
    project = Project(tmp_path)
    project.write("apps/a.yaml", UNTIDY)
    project.write("apps/b.yaml", "apps: [\n")
    done = project.call("fmt")
    assert (done.code, "apps/b.yaml:2:1" in done.err) == (1, True)
    assert project.read("apps/a.yaml") == TIDY
    assert project.read("apps/b.yaml") == "apps: [\n"


def test_a_path_out_of_the_project_is_refused(tmp_path):
    project = Project(tmp_path / "project")
    (tmp_path / "other.yaml").write_text(UNTIDY)
    assert project.call("fmt", str(tmp_path / "other.yaml")).code == 1
