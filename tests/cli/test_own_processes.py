"""Tests of commands call them in this process: one of their own is for streams, signals, start-up and concurrency."""

import ast
from pathlib import Path

import pytest

MOST = 0.2
STARTS = {"run", "shell", "start"}
"""Methods of `Project` that start the command in a process of its own."""


def starts_it(call):
    """Whether a call starts the command or another Python: by `Project`, or by `subprocess`. Git is neither."""
    if not isinstance(call.func, ast.Attribute):
        return False
    if isinstance(call.func.value, ast.Name) and call.func.value.id == "subprocess":
        return "git" not in ast.unparse(call)
    return call.func.attr in STARTS and bool(call.args or call.keywords)


def names_in(node):
    """What a function names: helpers and classes that it calls, fixtures that it takes, methods of its own."""
    named = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    named |= {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    return named | {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}


def read(tree):
    """For each test of a module, whether it starts the command, itself or by a helper or a fixture of the module."""
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    classes = [each for each in tree.body if isinstance(each, ast.ClassDef) and not each.name.startswith("Test")]
    starting = set()
    while True:
        found = {
            each.name
            for each in [*functions, *classes]
            if any(isinstance(call, ast.Call) and starts_it(call) for call in ast.walk(each))
            or names_in(each) & starting
        }
        found = {name for name in found if not name.startswith("test_")}
        if found <= starting:
            break
        starting |= found
    return {
        each.name: bool(names_in(each) & starting)
        or any(isinstance(call, ast.Call) and starts_it(call) for call in ast.walk(each))
        for each in functions
        if each.name.startswith("test_")
    }


def test_four_in_five_tests_of_commands_start_no_process():
    tests = {
        f"{path.name}::{name}": starts
        for path in sorted(Path(__file__).parent.glob("test_*.py"))
        for name, starts in read(ast.parse(path.read_text(encoding="utf-8"))).items()
    }
    starting = [name for name, starts in tests.items() if starts]
    assert len(tests) > 500
    assert len(starting) > 50, "the processes that there are were not found"
    assert len(starting) <= MOST * len(tests), "\n".join(starting)


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("def test_it(project):\n    project.call('plan')", False),
        ("def test_it(project):\n    project.run('plan')", True),
        ("def test_it(project):\n    project.shell('reconciler plan | cat')", True),
        ("def test_it(project):\n    with project.start('apply'): pass", True),
        ("def test_it():\n    subprocess.run([sys.executable, '-m', 'reconciler'])", True),
        ("def test_it():\n    subprocess.run(['git', 'init'])", False),
        ("def test_it():\n    Thread(target=print).start()", False),
        ("def helper(p):\n    p.run('plan')\ndef test_it(p):\n    helper(p)", True),
        ("@pytest.fixture\ndef done(p):\n    return p.run('plan')\ndef test_it(done):\n    done.code", True),
        ("class Terminal:\n    def f(self):\n        subprocess.Popen(1)\ndef test_it():\n    Terminal()",
         True),
        ("class TestIt:\n    def go(self, p):\n        p.run(1)\n    def test_it(self, p):\n        self.go(p)", True),
    ],
)  # fmt: skip
def test_a_process_is_found_wherever_the_test_starts_it(text, starts):
    assert read(ast.parse(text)) == {"test_it": starts}
