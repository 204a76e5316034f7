"""Names that would do something, were they taken for more than names, and plans full of them."""

from support.builders import API

from reconciler.diff.change import Blocked, Change, Create, Deactivate, Delete, FieldChange, Note, Unmanaged, Update
from reconciler.model.address import Address
from reconciler.model.state import Source
from reconciler.model.value import price
from reconciler.plan.gate import Refusal
from reconciler.plan.plan import Plan, PlanOrigin

NAMES = (
    "<script>alert(1)</script>",
    "::set-output name=x::y",
    "::error::no",
    "\n::error::no",
    "`code`",
    "```\nfence",
    "a|b",
    "\u202egnp.exe",
    "\x1b[31mred",
    "two\nlines",
    "</details>",
    "</summary></details>",
    "-->",
    "<!-- reconciler:plan -->",
    "@team",
    "#1",
    "GH-1",
    "owner/repo#1",
    "[x](https://evil.example)",
    "![x](https://evil.example/i.png)",
    "<img src=x onerror=alert(1)>",
    "https://evil.example",
    "www.evil.example",
    ":tada:",
    "&lt;b&gt;",
    "**bold**",
    "# head",
    "- item",
    "1. item",
    "> quote",
    "    code",
    "$x$",
    "~~gone~~",
    "\\",
    "\\|",
    "##[error]no",
    "a\r\nb",
    "\u2028",
    "%0A::x",
)
LONG = "very-long-" * 1_000
SOURCE = Source("apps/<b>|`, :.yaml", 3)


def changes_called(name: str) -> tuple[Change, ...]:
    """A change of each kind, its app, placement, values, reasons and evidence called so."""

    def at(kind: str) -> Address:
        return Address(f"android:com.{name.replace('/', '')}/{kind} {name}")

    fields = (
        FieldChange("name", name, name, "drift"),
        FieldChange("floorPrices.US", price(2), price(3), "pending", f"evidence {name}"),
    )
    return (
        Blocked(at("blocked"), f"reason {name}", name, (FieldChange("name", name, name, "unknown"),), SOURCE),
        Create(at("create"), SOURCE, (FieldChange("name", None, name, "pending"),), {}, {}, reason=name),
        Deactivate(at("deactivate"), name, f"reason {name}", "sha256:", source=SOURCE),
        Delete(at("delete"), name, f"reason {name}", "sha256:"),
        Update(at("update"), name, SOURCE, fields, {}, {}, "sha256:", renamed_from=at("was")),
    )


def plan_called(name: str) -> Plan:
    """A plan in which everything that can come from outside is called so."""
    origin = PlanOrigin("0.1.0", name, name, API, "sha256:manifests")
    unmanaged = (Unmanaged(Address(f"ios:{name}"), name),)
    return Plan(origin, changes_called(name), unmanaged, (Note(Address(f"ios:{name}"), f"note {name}"),))


def refusals_called(name: str) -> tuple[Refusal, ...]:
    """A refusal and a warning that speak of it."""
    of_change = changes_called(name)[1].address
    return (
        Refusal(f"policy {name}", f"broken by {name}", f"the policy {name}", address=of_change),
        Refusal("x", name, name, binding=False),
    )
