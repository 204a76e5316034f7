"""The reference is what the program says of itself, and the facts beside it are true."""

import importlib.util
import re
import sys

import pytest
from architecture.source_code import ROOT, modules, strings
from support.schemas import of_documents, of_files

from reconciler import errors
from reconciler.cli.main import cli

TOOLS = ROOT / "tools"
VARIABLE = re.compile(r"(DT|CHARTBOOST|RECONCILER)_[A-Z_]+")
BEGINNINGS = {"DT_CLIENT", "DT_REPORTING", "DT_REPORTING_CLIENT", "CHARTBOOST_CLIENT"}
"""What names of variables begin with; the code puts _ID, _SECRET or _URL behind."""


def tool(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


facts = tool("facts")
tool("python_page")
reference = tool("reference")
COMMITTED = sorted(path.name for path in reference.FOLDER.iterdir())


@pytest.fixture(scope="module")
def pages():
    """What the pages should be, by the name of the file."""
    return reference.pages()


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_pages_are_current(pages, name):
    assert (reference.FOLDER / name).read_text(encoding="utf-8") == pages[name], "run `make reference`"


def test_there_is_no_page_that_nothing_makes_and_each_that_is_made_is_there(pages):
    assert set(COMMITTED) == set(pages)


def commands(group, path="reconciler"):
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        yield f"{path} {name}", command
        if hasattr(command, "list_commands"):
            yield from commands(command, f"{path} {name}")


def test_every_command_and_each_of_its_options_is_there(pages):
    page = pages["cli.md"]
    for path, command in commands(cli):
        assert f"\n## {path}\n" in page
        missing = [option for each in command.params for option in each.opts if option not in page and option[0] == "-"]
        assert missing == [], path


@pytest.mark.parametrize(
    ("page", "schema"), [("manifest.md", "manifest.schema.json"), ("settings.md", "reconciler.schema.json")]
)
def test_every_field_is_there_with_the_words_that_editors_show(pages, page, schema):
    for block in (of_files()[schema], *of_files()[schema]["definitions"].values()):
        for name, part in block.get("properties", {}).items():
            rows = [line for line in pages[page].splitlines() if line.startswith(f"| `{name}` |")]
            assert any(part["description"] in row for row in rows), name


def test_every_document_has_its_section(pages):
    for schema in of_documents().values():
        assert f"\n## {schema['properties']['format']['const']}\n" in pages["documents.md"]


def test_links_within_a_page_lead_to_its_headings(pages):
    for name, page in pages.items():
        headings = {
            re.sub(r"[^\w -]", "", head).lower().replace(" ", "-")
            for head in re.findall("^#+ (.*)", page, re.MULTILINE)
        }
        assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= headings, name


def test_every_variable_that_the_program_reads_is_told():
    read = {text for module in modules() for text, _ in strings(module) if VARIABLE.fullmatch(text)}
    assert read - BEGINNINGS <= {each.name.removesuffix("_FILE") for each in facts.VARIABLES}
    assert {each.name for each in facts.VARIABLES} - read == {"HTTPS_PROXY", "NO_COLOR", "SSL_CERT_FILE"}


def test_every_exit_code_is_told():
    codes = {each.exit_code for each in vars(errors).values() if hasattr(each, "exit_code")}
    assert codes | set(facts.EVERYWHERE) <= set(facts.EXIT_CODES)
