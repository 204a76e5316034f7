"""Texts of strangers cost time in proportion to their length: every pattern, and every function that walks over one.

The texts grow by a factor of twenty, so a cost that grows with the square grows by one of 400. The bound is generous
for what is linear, so a slow machine breaks no claim.
"""

import ast
import importlib
import pkgutil
import re
import string
import time
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from support.builders import APP, desired_placement, live_placement

import reconciler
from reconciler.apis.download import checked_url, readiness
from reconciler.diff.look_alikes import Orphan, suspected_renames
from reconciler.errors import ReconcilerError
from reconciler.floors.current_floors import records_from_text
from reconciler.http.auth import UrlOrigin, error_code, read_token
from reconciler.http.exchange import Response, decode, server_message
from reconciler.http.redaction import discreet, without
from reconciler.http.retry import retry_after
from reconciler.manifest.project_settings import (
    intended_manifest_name,
    is_empty_text,
    looks_like_manifest,
    plain_patterns,
)
from reconciler.model.address import Address
from reconciler.model.ledger import LedgerEntry
from reconciler.render import text as shown
from reconciler.render.pull import changed_lines
from reconciler.store.ledger_file import index_ledger
from reconciler.warehouse.acceptance import alpha2
from reconciler.warehouse.user_report_csv import column_places, drop_open_quotes, folded
from reconciler.yaml import scalar as hints
from reconciler.yaml.parse import parse
from reconciler.yaml.scalar import ManifestText, resolve

LENGTHS = (2_000, 40_000)
SECONDS = 1.0
"""Of the processor, the least of three tries: a linear walk over 40,000 characters takes some hundredths."""

WALKS = frozenset({"search", "match", "fullmatch", "sub", "split", "findall", "finditer"})
TRUSTED = {"reconciler.model.address"}
"""Makes its patterns of what the user who runs the command has typed."""


def modules():
    for found in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if "migrations" not in found.name and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


@cache
def source(module):
    with open(module.__file__, encoding="utf-8") as file:  # noqa: PTH123 - of modules, whatever their loader
        return ast.parse(file.read())


def calls(module):
    """The methods called on each name of a module, passed on as functions too (`map(_NUMBER.findall, ...)`)."""
    found = defaultdict(set)
    for node in ast.walk(source(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in WALKS:
            found[node.value.id].add(node.attr)
    return found


def patterns():
    """Every pattern of the package, with the ways it is used in."""
    known, used = {}, defaultdict(set)
    for module in modules():
        named = {name: each for name, each in vars(module).items() if isinstance(each, re.Pattern)}
        for name, methods in calls(module).items() if named else ():
            if name in named:
                used[named[name]] |= methods
        for name, pattern in named.items():
            known.setdefault(pattern, f"{module.__name__}.{name}")
    return [pytest.param(pattern, sorted(used[pattern]), id=name) for pattern, name in known.items()]


def test_every_pattern_is_a_constant_of_a_module_so_that_the_test_below_sees_it():
    hidden = [
        f"{module.__name__}:{node.lineno}"
        for module in modules()
        for node in ast.walk(source(module))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith("re.")
        and not (ast.unparse(node.func) == "re.compile" and node.col_offset and _is_constant(module, node))
        and module.__name__ not in TRUSTED
        and ast.unparse(node.func) != "re.escape"
    ]
    assert hidden == []


def _is_constant(module, call):
    return any(
        getattr(statement, "value", None) is not None and ast.dump(statement.value) == ast.dump(call)
        for statement in source(module).body
    )


def units(pattern):
    """What a pattern may be led astray by: words and signs of its own, and one of each common kind."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    words = re.findall(r"[A-Za-z]{2,}|<[^>]*>", text)[:12]
    signs = sorted({sign for sign in text if sign in string.punctuation})
    return list(dict.fromkeys(["a", "A", "7", " ", "\n", "a7A", *words, *signs]))


def shapes(pattern, length):
    """Texts of about a length: repeats, repeats of pairs, and repeats that fail or begin at their very ends."""
    known = units(pattern)
    for unit in known:
        whole = unit * (length // len(unit))
        yield f"{whole}\0"
    for first, second in zip(known, known[1:] + known[:1], strict=True):
        yield (first + second) * (length // len(first + second))
        yield (first + " ") * (length // (len(first) + 1))
        yield first * (length // 2 // len(first)) + second * (length // 2 // len(second))
        yield f"{first}{second * (length // len(second))}\0"


def spent(walk):
    def once():
        began = time.process_time()
        walk()
        return time.process_time() - began

    took = once()
    return took if took < SECONDS else min(took, once(), once())


def walk_all(pattern, methods, texts):
    for text in texts:
        subject = text if isinstance(pattern.pattern, str) else text.encode()
        for method in methods:
            match method:
                case "sub":
                    pattern.sub("" if isinstance(subject, str) else b"", subject)
                case "finditer":
                    for _ in pattern.finditer(subject):
                        pass
                case _:
                    getattr(pattern, method)(subject)


@pytest.mark.parametrize(("pattern", "methods"), patterns())
def test_a_pattern_takes_time_in_proportion_to_the_text(pattern, methods):
    for length in LENGTHS:
        for text in shapes(pattern, length):
            took = spent(lambda text=text: walk_all(pattern, methods or ["search"], [text]))
            assert took < SECONDS, f"{took:.1f} s for {length} characters such as {text[:40]!r}"


NOW = datetime(2026, 11, 21, tzinfo=UTC)
ORIGIN = UrlOrigin("https://h.example", secure=True, loopback=False)
SECRETS = ["s3cr3t/W+th=odd&signs%", "a" * 300 + "b"]


def yaml_of(text):
    return parse(ManifestText("a.yaml", text.encode("utf-8", "replace")))


def renamed(text):
    names = [text[: len(text) // 2] + end for end in "xy"]
    known = LedgerEntry(Address(f"{APP}/{names[1]}"), "1", {})
    live = live_placement("1", names[1])
    return suspected_renames([desired_placement(names[0], bannerRefresh=3)], [Orphan(known, live)])


def patterns_of(text):
    with suppress(ValueError):
        return plain_patterns(text)


def quoted_csv(text, folder):
    path = folder / "a.csv"
    path.write_text(text, encoding="utf-8")
    drop_open_quotes(path, folder / "b.csv")


FUNCTIONS = {
    "discreet": discreet,
    "without": lambda text: without(text, SECRETS),
    "a refusal in JSON": lambda text: server_message(400, f'{{"message": "{text}"}}'.encode()),
    "a refusal as text": lambda text: server_message(400, text.encode()),
    "a body": lambda text: decode(text.encode()),
    "a token": lambda text: read_token(f'{{"accessToken": "{text}"}}'.encode()),
    "an error code": lambda text: error_code(f'{{"error": "{text}"}}'.encode()),
    "Retry-After": lambda text: retry_after(text, NOW),
    "a link": lambda text: checked_url(f"https://{text}", ORIGIN),
    "readiness": lambda text: readiness(Response(403, text.encode()), len(text), text.encode()),
    "country": alpha2,
    "column": folded,
    "header": lambda text: column_places(text.split(",")),
    "records": records_from_text,
    "scalar": resolve,
    "yaml": yaml_of,
    "names": lambda text: hints.nearest(text, ["placements", "name", text[:-1], text[: len(text) // 2]]),
    "renames": renamed,
    "patterns": patterns_of,
    "nothing": lambda text: is_empty_text(text.encode("utf-8", "replace")),
    "set aside": intended_manifest_name,
    "manifest": lambda text: looks_like_manifest(text.encode("utf-8", "replace")),
    "diff": lambda text: list(changed_lines(text.split(" "), [*reversed(text.split(" ")), "x"], "a")),
    **{
        f"shown.{name}": getattr(shown, name)
        for name in (
            *("visible", "terminal", "whole_line", "json_text", "html", "html_page", "github_data", "github_property"),
            *("markdown", "markdown_html", "chat"),
        )
    },
    "shown.clipped": lambda text: shown.clipped(text, 80),
    "shown": hints.shown,
}
UNITS = ("a", "7", " ", '"', "'", "\\", "a7A", "Atoken", "token=", "a: ", "- ", "{", "[", "x, ", '""', '",', "<!--")
UNITS += (
    "https://",
    "://",
    "a@",
    "bearer ",
    "eyJ",
    "***",
    "…",
    "##[",
    "@a",
    ":a",
    "\x00",
    "ab",
    "a b ",
    "1 Nov ",
    "&a *a ",
)


def heard(function, text):
    with suppress(ReconcilerError, ValueError):
        function(text)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_over_foreign_text_takes_time_in_proportion_to_it(name):
    for length, unit in product(LENGTHS, UNITS):
        text = unit * (length // len(unit)) + "\u20ac"
        took = spent(lambda text=text: heard(FUNCTIONS[name], text))
        assert took < SECONDS, f"{took:.1f} s for {length} characters such as {text[:40]!r}"


@pytest.mark.parametrize("unit", ['"', '""', '",', 'a,"', '"",'])
def test_lines_of_a_report_with_odd_quotes_take_time_in_proportion_to_them(tmp_path, unit):
    for length in LENGTHS:
        took = spent(lambda length=length: quoted_csv(unit * (length // len(unit)) + "x\n", tmp_path))
        assert took < SECONDS, f"{took:.1f} s for {length} characters"


@pytest.mark.parametrize("times", [40, 400, 40_000])
def test_a_message_of_words_like_token_is_shown_at_once(times):
    assert spent(lambda: server_message(400, b'{"message": "%b"}' % (b"Atoken" * times))) < SECONDS


@pytest.mark.parametrize(
    ("begin", "unit"), [('{"address":"a"', ',"id":"a"'), ("", '{"address":"a\n'), ("", '{"address":"a"}\n')]
)
def test_a_ledger_takes_time_in_proportion_to_it(begin, unit):
    for length in LENGTHS:
        text = begin + unit * (length // len(unit) * 10) + "\n"
        took = spent(lambda text=text: heard(lambda text: index_ledger(Path("reconciler.lock"), text), text))
        assert took < SECONDS, f"{length}: {took:.2f} s"
