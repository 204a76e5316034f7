"""What is printed goes to one stream, on one line, and steers nothing."""

import json

import pytest

from reconciler.cli.console import Console
from reconciler.model.diagnostic import Finding
from reconciler.render.text import Span, line

HOSTILE = "a\x1b[31m\x9b2J\u202eb\nc\r\x07"


@pytest.fixture
def console():
    return Console()


def test_the_answer_goes_to_stdout_and_talk_to_stderr(console, capsys):
    console.answer([line("answer")])
    console.talk("talk")
    console.answer_on_stderr([line("aside")])
    console.error("wrong", "do this")
    shown = capsys.readouterr()
    assert shown.out == "answer\n"
    assert shown.err == "talk\naside\nerror: wrong\nhint: do this\n"


def test_no_name_steers_the_terminal_or_makes_a_line_of_its_own(console, capsys):
    console.answer([line("x ", Span(HOSTILE, "add"))])
    console.talk(HOSTILE)
    console.findings([Finding("a.yaml", 1, 1, "code", HOSTILE, address=HOSTILE)], to_answer=True)
    shown = capsys.readouterr()
    assert shown.out.count("\n") == 2
    assert shown.err.count("\n") == 1
    assert all(each.isprintable() for each in (*shown.out.splitlines(), *shown.err.splitlines()))


def test_an_error_of_several_lines_is_one_error(console, capsys):
    console.error("first\nsecond")
    assert capsys.readouterr().err == "error: first\n       second\n"


def test_a_document_is_ascii_and_means_what_it_was(console, capsys):
    console.document({"name": f"名前 {HOSTILE} ##[error]"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == {"name": f"名前 {HOSTILE} ##[error]"}


def test_there_is_no_colour_where_there_is_no_terminal(console, capsys):
    console.answer([line(Span("green", "add"))])
    assert capsys.readouterr().out == "green\n"
