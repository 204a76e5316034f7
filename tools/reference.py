"""Writes docs/reference anew from what the program itself says: its models, commands, rules and variables.

`python tools/reference.py` writes, `pages()` is what would be written. Nothing here knows a single field or command.
"""

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import yaml
from facts import EVERYWHERE, EXIT_CODES, VARIABLES
from python_page import python_page

from reconciler import errors
from reconciler.api.environment import WHO
from reconciler.cli.main import cli
from reconciler.manifest.schema import schemas
from reconciler.render.finding_rules import MANIFEST_RULES, PLAN_RULES, FindingRule
from reconciler.render.published import DOCUMENTS, document_schemas
from reconciler.warehouse.import_schema import ADAPTERS, ALSO, COLUMNS

FOLDER: Final = Path(__file__).parents[1] / "docs" / "reference"
MADE: Final = "<!-- Made by `make reference`; changes here are lost. -->"
OF_MANIFESTS: Final = (
    "What the files under `apps/` hold. Field names are the API's own. A field that is left out is not managed: it is "
    "never compared and never sent. Unknown fields are errors; keys of a document that begin with `x-` are ignored, a "
    "place for anchors."
)
OF_SETTINGS: Final = (
    "What `reconciler.yaml` holds. Only `version` and `publisherId` have to be there; for the rest the defaults hold. "
    "Keys of the document that begin with `x-` are ignored."
)
OF_DOCUMENTS: Final = (
    "What `--format json` prints. The first key, `format`, names the document and its version; later versions may add "
    "keys, so let those pass that you do not know. JSON Schemas are in the folder `schemas`, and `reconciler schema` "
    "prints them."
)
OF_EVIDENCE: Final = (
    "What a file or table holds that `reconciler reports import` takes in: a row for each day, ad unit, source of "
    "demand and country. Columns may stand in any order; others are left alone. Names are compared without case, "
    "spaces and punctuation; `--map COLUMN=NAME` takes any column for one of these. Instead of `revenue` there may be "
    "`revenue_micros`."
)
OF_VARIABLES: Final = (
    "`_FILE`: the same name with `_FILE` behind it may name a file that holds the value. Secrets come from there or "
    "from the environment, never from flags or YAML. Addresses are https; plain http is for loopback alone."
)
Schema = Mapping[str, Any]


def pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    files = schemas()
    made = {
        "manifest.md": schema_page("Manifests", files["manifest.schema.json"], OF_MANIFESTS),
        "settings.md": schema_page("Settings", files["reconciler.schema.json"], OF_SETTINGS),
        "cli.md": cli_page(),
        "documents.md": documents_page(),
        "evidence.md": evidence_page(),
        "findings.md": findings_page(),
        "environment.md": environment_page(),
        "python.md": python_page(),
    }
    return {name: text.replace("\n", f"\n\n{MADE}\n", 1).rstrip() + "\n" for name, text in made.items()}


def schema_page(title: str, schema: Schema, introduction: str) -> str:
    """A page for a format: a section for the document, and one for each block in it, as a reader meets them."""
    sections = [block_section(name, block) for name, block in _blocks(schema).items()]
    return "\n\n".join([f"# {title}", introduction, block_section("The document", schema), *sections])


def _blocks(schema: Schema) -> dict[str, Schema]:
    """The blocks that a document refers to, breadth first."""
    found: dict[str, Schema] = {}
    waiting = [schema]
    while waiting:
        block = {key: part for key, part in waiting.pop(0).items() if key != "definitions"}
        for name in re.findall(r'"#/definitions/(\w+)"', json.dumps(block)):
            if name not in found:
                found[name] = schema["definitions"][name]
                waiting.append(found[name])
    return found


def block_section(name: str, block: Schema, level: str = "##") -> str:
    """The fields of a block with types, defaults and examples."""
    required = block.get("required", ())
    rows = [
        (f"`{field}`", kind(part), _default(field, part, required), part.get("description", ""), _example(part))
        for field, part in block.get("properties", {}).items()
    ]
    heads = ("field", "type", "default", "what it says", "example")
    told = _one_line(block.get("description", ""))
    return "\n\n".join([f"{level} {_plain(name)}", told, table(heads, rows)])


def kind(part: Schema) -> str:  # noqa: PLR0911 - one for each form
    """The type of a value in words; a block links to its section."""
    match part:
        case {"$ref": str(path)}:
            name = _plain(path.rpartition("/")[2])
            return f"[{name}](#{name.lower()})"
        case {"allOf": [one]}:
            return kind(one)
        case {"anyOf": list(parts)} | {"oneOf": list(parts)}:
            return " or ".join(dict.fromkeys(map(kind, parts)))
        case {"const": value}:
            return f"`{json.dumps(value)}`"
        case {"enum": list(values)}:
            return ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": items}:
            return f"list of {kind(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"map to {kind(values)}"
        case {"type": list(names)}:
            return " or ".join(map(_word, names))
        case {"type": str(name)}:
            return _word(name) + _bounds(part)
        case _:
            return "any"


def _word(name: str) -> str:
    words = {"string": "text", "boolean": "true, false", "integer": "whole number", "object": "map", "array": "list"}
    return words.get(name, name)


def _bounds(part: Schema) -> str:
    least, more = part.get("minimum"), part.get("exclusiveMinimum")
    return f" from {least:g}" if least is not None else f" above {more:g}" if more is not None else ""


def _default(field: str, part: Schema, required: Sequence[str]) -> str:
    if "default" in part:
        return f"`{_yaml(part['default'])}`" if part["default"] != {} else ""
    return "required" if field in required else ""


def _example(part: Schema) -> str:
    return " or ".join(f"`{_yaml(example)}`" for example in part.get("examples", ()))


def _yaml(value: Any) -> str:
    """A value as people write it in a line of YAML."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("...\n").strip()


def documents_page() -> str:
    """What commands print as JSON: a section for each document, its parts below."""
    sections = ["# JSON documents", OF_DOCUMENTS]
    for file, schema in document_schemas(DOCUMENTS).items():
        short = file.partition(".")[0]
        title = f"{schema['title']}: `schemas/{file}`."
        whole = block_section(schema["properties"]["format"]["const"], schema).replace("\n\n", f"\n\n{title}\n\n", 1)
        parts = [block_section(f"{short}: {name}", block, "###") for name, block in _blocks(schema).items()]
        sections += [part.replace("](#", f"](#{short}-") for part in (whole, *parts)]
    return "\n\n".join(sections)


def cli_page() -> str:
    """Every command with its options, however deep it stands."""
    context = click.Context(cli, info_name="reconciler")
    codes = ", ".join(map(str, EVERYWHERE))
    introduction = (
        f"`--help` behind a command shows the same. Any command may exit with {codes}; where others are possible, "
        "the command says so. [Exit codes](environment.md#exit-codes) lists all. Options of the first table may also "
        "stand before the command's name."
    )
    return "\n\n".join(["# Commands", introduction, option_table(cli, context), *_commands(cli, context)])


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name) or click.Command(name)
        below = click.Context(command, info_name=name, parent=context)
        usage = " ".join([below.command_path, *command.collect_usage_pieces(below)])
        parts = [f"## {below.command_path}", f"```\n{usage}\n```", help_text(command), option_table(command, below)]
        yield "\n\n".join(part for part in parts if part)
        if isinstance(command, click.Group):
            yield from _commands(command, below)


def help_text(command: click.Command) -> str:
    """A command's help as Markdown: paragraphs as they are, what is kept as it stands as a block of shell."""
    parts = inspect.cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(_shell(part) if part.startswith("\b") else _one_line(part) for part in parts)


def _shell(block: str) -> str:
    return f"```sh\n{inspect.cleandoc(block.removeprefix(chr(8)).strip(chr(10)))}\n```"


def option_table(command: click.Command, context: click.Context) -> str:
    """The options of a command, but for those that all commands share; empty where it has none."""
    shared = set() if context.parent is None else {option for each in cli.params for option in each.opts} - {"--format"}
    options = [each for each in command.params if isinstance(each, click.Option) and not shared & {*each.opts}]
    rows = [(_spelled(each, context), _option_help(each)) for each in options if "--help" not in each.opts]
    return table(("option", "does"), rows) if rows else ""


def _spelled(option: click.Option, context: click.Context) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag or option.count:
        return f"`{names}`"
    if option.metavar is None and isinstance(option.type, click.Choice | click.IntRange | click.FloatRange):
        return f"`{names} {'NAME' if isinstance(option.type, click.Choice) else 'N'}`"
    return f"`{names} {option.make_metavar(context)}`"


def _option_help(option: click.Option) -> str:
    told = option.help or ""
    if isinstance(option.type, click.Choice):
        told = f"{told} One of {', '.join(f'`{choice}`' for choice in option.type.choices)}."
    return f"{told} Default: `{option.default}`." if option.show_default and option.default is not None else told


def evidence_page() -> str:
    """The schema of evidence, and what each platform calls its columns."""
    heads = ("column", "type", "unit", "required", "what it says", "example")
    words = {"count": "whole number", "amount": "number"}
    rows = [
        (
            f"`{each.name}`",
            words.get(each.kind, each.kind),
            each.unit,
            "required" if each.required else "",
            each.meaning,
            f"`{each.example}`" if each.example else "",
        )
        for each in COLUMNS.values()
    ]
    sections = [
        f"## {each.title[:1].upper()}{each.title[1:]}\n\n{_aliases(each.names, each.exact)}"
        for each in ADAPTERS.values()
    ]
    also = ", ".join(f"`{name}` is `{network}`" for name, network in ALSO.items())
    networks = f"`--network` takes {', '.join(f'`{name}`' for name in ADAPTERS)}; {also}."
    named = "What a platform calls our columns, the likeliest name first."
    return "\n\n".join(["# Evidence", OF_EVIDENCE, table(heads, rows), networks, named, *sections])


def _aliases(names: Mapping[str, Sequence[str]], exact: Mapping[str, Sequence[str]]) -> str:
    told = {name: [f"`{alias}`" for alias in of] for name, of in names.items()}
    told |= {name: [f"`{alias}`, in capitals" for alias in of] for name, of in exact.items()}
    return table(("column", "called"), [(f"`{name}`", ", ".join(of)) for name, of in told.items()])


def findings_page() -> str:
    """What each code of a finding stands for."""
    introduction = (
        "A finding ends with its code in brackets. Codes stay the same between versions: tools may rely on them. "
        "Errors have to be mended; warnings deserve a look, and fail `reconciler validate --strict` only."
    )
    heads = ("code", "severity", "what is wrong", "what to do")
    sections = [("Of manifests and settings", MANIFEST_RULES), ("Of plans, in formats for code review", PLAN_RULES)]
    tables = [f"## {title}\n\n{table(heads, _rule_rows(rules))}" for title, rules in sections]
    return "\n\n".join(["# Findings", introduction, *tables])


def _rule_rows(rules: Mapping[str, FindingRule]) -> list[tuple[str, ...]]:
    return [(f"`{code}`", rule.severity, rule.title, rule.help) for code, rule in sorted(rules.items())]


def environment_page() -> str:
    """Variables, exit codes, and the errors behind the codes."""
    variables = [(f"`{each.name}`{', `_FILE`' if each.secret else ''}", each.meaning, each.unset) for each in VARIABLES]
    who = [(fact, ", ".join(f"`{name}`" for name in names)) for fact, names in WHO.items()]
    codes = [(str(code), meaning) for code, meaning in sorted(EXIT_CODES.items())]
    return "\n\n".join([
        "# Environment and exit codes",
        "## Variables",
        OF_VARIABLES,
        table(("variable", "says", "unset"), variables),
        "The journal notes who ran a command, from the first of these that is set:",
        table(("fact", "variables"), who),
        "## Exit codes",
        table(("code", "meaning"), codes),
        "## Errors",
        "What ends a command early, by what you can do about it.",
        table(("error", "code", "what it is, and the remedy"), _error_rows()),
    ])  # fmt: skip


def _error_rows() -> list[tuple[str, ...]]:
    found = [
        each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, errors.ReconcilerError)
    ]
    named = sorted((each for each in found if each is not errors.ReconcilerError), key=lambda each: each.exit_code)
    return [(each.__name__, str(each.exit_code), _one_line(inspect.getdoc(each) or "")) for each in named]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; columns in which no row says anything are left out."""
    shown = [number for number in range(len(heads)) if any(row[number] for row in rows)]
    lines = [[heads[number] for number in shown], ["---"] * len(shown), *([row[n] for n in shown] for row in rows)]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return _one_line(text).replace("|", "\\|")


def _plain(name: str) -> str:
    """A model's name as readers know the block: without what models are called for their own sake."""
    return re.sub(r"(Block|Document)$", "", name) or name


def _one_line(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Write every page, and drop those that are no more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
        sys.stdout.write(f"wrote docs/reference/{name}\n")


if __name__ == "__main__":
    main()
