"""The page of the reference about `reconciler.api`: prose and examples from here, all else from the code."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from reconciler import api

INTRODUCTION: Final = """
`reconciler.api` does from Python what the commands do. It prints nothing, ends no process and asks nobody: what an
operation comes to is a frozen value, what stops it is an error of `reconciler.errors`
([errors](environment.md#errors)), and who approves is up to the caller.

```python
from reconciler.api import Allowances, Notice, Observer, Project, Selection

project = Project.open("monetization")
checked = project.validate()
assert not checked.errors, checked.errors
```

`Project.open` takes a folder, or finds the project above the working folder. It reads the variables that the command
line reads ([environment](environment.md)) from the process, or from a mapping that is given instead:

```python
import os

project = Project.open("monetization", environ={**os.environ, "RECONCILER_CACHE": "off"}, parallelism=4)
```

## Plan and apply

```python
plan = project.plan(Selection(only=("android:*",)))
print(plan.summary.create, "to make,", plan.summary.update, "to change")
if not plan.refused:
    result = project.apply(plan)
    assert result.is_done, [each for each in result.results if each.error]
```

`apply` keeps every safety of the command. It takes the lock, waits until what an earlier run may have created had its
time to appear, reads again what the plan rests on, and holds the plan to the limits and policies of the project. Where
anything has moved it raises `StalePlan`; with `skip_stale=True` the rest is carried out. Each step is in the journal
before it is sent, and the plan that would undo the run is kept: `result.undo` is its path in the project.

A step that fails is a value among `result.results`. What ends a whole run is raised, after `Observer.finished` has been
given the account of what was done until then.

`plan_and_apply` does both under one lock, and asks a function in between:

```python
result = project.plan_and_apply(
    allowances=Allowances(max_deletes=3),
    approve=lambda plan: plan.summary.delete == 0,
)
if result.declined:
    print("nothing was applied")
```

## What goes on meanwhile

```python
class Progress(Observer):
    def notice(self, notice: Notice) -> None:
        print(notice.level, notice.message)

    def ended(self, end) -> None:
        print(end.outcome, end.address)


watched = Project.open("monetization", observer=Progress())
watched.apply(watched.plan())
```

## Documents and tables

`to_dict` of a result gives the JSON document that the command prints ([JSON documents](documents.md)); `to_arrow` gives
its rows as a table of [Arrow](https://arrow.apache.org/), which pandas, Polars and DuckDB read. It takes PyArrow, which
comes with the extra `waterfall-reconciler[floors]`; without it `ProjectError` says how to install that.

```python
audit = project.drift()
print(audit.to_dict()["summary"])
table = audit.to_arrow()
steps = project.history(failed=True).to_arrow()
```

## Single resources

```python
found = project.get(["android:com.a"])
print([(each.address, each.live.id) for each in found.resources], found.missing)
pinged = project.ping()
assert pinged.is_good, [each.why for each in pinged.services]
```

`get` takes addresses, patterns and ids, and without any gives all that is live; `to_yaml` of its result is a manifest.

## Versions

What `reconciler.api.__all__` names is stable under [semantic versioning](https://semver.org): names, parameters with
their defaults, fields and methods of results, and the documents behind `to_dict`. What is to go is deprecated in a
minor version, with a `DeprecationWarning`, and goes in the next major one. While the version begins with 0, a minor
version may change it; the changelog says so. Domain values inside of results (`result.plan`, `audit.audit`) are for
reading: fields may be added to them in any version. All other modules of the package change without notice.
""".strip()


def python_page() -> str:
    """The page: prose, then the methods of `Project`, then every other name."""
    others = [name for name in api.__all__ if name != "Project"]
    return "\n\n".join([
        "# Python", INTRODUCTION, "## Project", _about(api.Project), *_methods(api.Project), "## Other names",
        *(_section(name, getattr(api, name)) for name in others),
    ])  # fmt: skip


def _section(name: str, value: Any) -> str:
    if inspect.isfunction(value):
        return f"### {name}\n\n```text\n{name}{_signature(value)}\n```\n\n{_about(value)}"
    if not inspect.isclass(value):
        return f"### {name}\n\n{_ALIASES[name]}"
    parts = [f"### {name}", _about(value)]
    if dataclasses.is_dataclass(value):
        listed = ", ".join(f"`{field.name}: {_plain(field.type)}`" for field in dataclasses.fields(value))
        parts.append(f"Fields: {listed}.")
    told = {member: " ".join(_about(getattr(value, member)).split()) for member in _public(value)}
    rows = [f"- `{member}`: {text}" for member, text in told.items()]
    return "\n\n".join([*parts, *(["\n".join(rows)] if rows else [])])


_ALIASES: Final = {
    "Approval": "`Callable[[PlanResult], bool]`: asked before a plan that writes is carried out, while the lock is "
    "held. The account is read again after a yes."
}


def _methods(kind: type) -> Iterator[str]:
    for name in _public(kind):
        value = inspect.getattr_static(kind, name)
        if isinstance(value, property):
            yield f"### Project.{name}\n\n{_about(value)}"
        else:
            yield f"### Project.{name}\n\n```text\n{name}{_signature(getattr(kind, name))}\n```\n\n{_about(value)}"


def _public(kind: type) -> list[str]:
    """The methods and properties that a class defines, in their order."""
    defined = [name for name, value in vars(kind).items() if _is_told(value)]
    return [name for name in defined if not name.startswith("_")]


def _is_told(value: Any) -> bool:
    return inspect.isfunction(value) or isinstance(value, property | classmethod)


def _signature(function: Callable[..., Any]) -> str:
    """Parameters and answer, a line each where there are many; names of types without quotes and modules."""
    found = inspect.signature(function)
    given = [each for each in found.parameters.values() if each.name not in {"self", "cls"}]
    answer = _plain(found.return_annotation)
    listed = [_parameter(each) for each in given]
    first_named = next((at for at, each in enumerate(given) if each.kind is each.KEYWORD_ONLY), None)
    if first_named is not None:
        listed.insert(first_named, "*")
    line = f"({', '.join(listed)}) -> {answer}"
    many = "".join(f"    {each},\n" for each in listed)
    return line if len(line) <= 90 else f"(\n{many}) -> {answer}"


def _parameter(each: inspect.Parameter) -> str:
    default = "" if each.default is each.empty else f" = {each.default!r}"
    return f"{each.name}: {_plain(each.annotation)}{default}"


def _plain(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", text)


def _about(value: Any) -> str:
    paragraphs = inspect.cleandoc(value.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
