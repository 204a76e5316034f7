"""Documents as types: one class for each object of a JSON document, which is its shape, its JSON Schema and its codec.

    class StepJson(Shape):
        "One step of a past run."
        at: str = key("When it was begun, ISO 8601 in UTC.")
        error: str | None = key("What went wrong.", lambda step: step.error or None)

`StepJson.write(step)` is the object, its keys in this order and in camelCase; each value is the attribute of the same
name, or what the function makes of what is written. `StepJson.read(raw, PastStep)` is the way back. In schemas it is
called `Step`. A `Document` is the outermost object; `document_schema.published` gives its JSON Schema.

The types of keys are `str`, `int`, `float`, `bool`, `Any`, a `Literal`, another shape, lists of these, mappings from
texts to these, and each of them `| None`; `Annotated` with a `Form` says more of one.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from reconciler.model import checked
from reconciler.model.value import ABSENT, fields_to_json, to_json

Convert: TypeAlias = Callable[[Any], Any]
Made = TypeVar("Made")
Function = TypeVar("Function", bound=Callable[..., Any])


def _cached(make: Function) -> Function:
    """`cache` with a type: type checkers do not know that it accepts classes."""
    return cast(Function, cache(make))


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """Metadata of a type: keys of its JSON Schema, a function to JSON, and a function that checks JSON and converts it.

    `read` raises ValueError with a short text that says what is wrong.
    """

    schema: Mapping[str, Any] = field(default_factory=dict)
    write: Convert | None = None
    read: Convert | None = None


def itself(value: Any) -> Any:
    """The value unchanged: for a key that holds the very value that its object is written from."""
    return value


AddressText = Annotated[str, Form({"examples": ["android:com.cash_crash.54/int_13"]})]
Id = Annotated[str, Form(read=checked.identifier)]
Count = Annotated[int, Form({"minimum": 0}, read=checked.count)]
Leaf = Annotated[Any, Form(write=to_json)]
"""The value of a resource's field: what fits depends on the field."""
Values = Annotated[dict[str, Any], Form(write=fields_to_json, read=checked.fields)]
"""Fields of a resource by their names."""
Day = Annotated[str, Form(write=str)]
"""A date (UTC), ISO 8601."""


@dataclass(frozen=True, slots=True)
class JsonKey:
    """A key of an object: see `key`."""

    about: str
    of: Convert | None = None
    name: str = ""
    optional: bool = False


def key(about: str, of: Convert | None = None, *, name: str = "", optional: bool = False) -> Any:
    """A key: what it is about, what makes its value of what is written, and its name where camelCase does not give it.

    A value of `ABSENT` leaves the key out; such keys are `optional`, and without a function, what has no such attribute
    has no such key. A key about nothing is written and not published.
    """
    return JsonKey(about, of, name, optional)


class Shape:
    """An object of a document.

    `base` gives the value that inherited keys are made of, `by` reads a value by its name, and `order` names the
    attributes in the order in which their keys are written, where it is not that of the schema.
    """

    __keys__: ClassVar[dict[str, tuple[JsonKey, Convert | None]]] = {}
    __order__: ClassVar[list[str]] = []
    __named__: ClassVar[str]

    def __init_subclass__(
        cls, *, base: Convert | None = None, by: Callable[[str], Convert] = attrgetter, order: str = "", name: str = ""
    ) -> None:
        inherited = {
            attribute: (each, get if base is None else _composed(base, get or _attribute_getter(attribute, each)))
            for attribute, (each, get) in cls.__keys__.items()
        }
        own = {name: (each, _getter(name, each, by)) for name, each in vars(cls).items() if isinstance(each, JsonKey)}
        cls.__keys__, cls.__order__ = inherited | own, order.split()
        cls.__named__ = name or cls.__name__.removesuffix("Json")

    @classmethod
    def write(cls, value: Any = None, **given: Any) -> dict[str, Any]:
        """The object for a value; `given` holds values of keys by their attributes, in the place of the value's own.

        A value of `ABSENT` leaves the key out.
        """
        if not given:
            return _writer(cls)(value)
        result = {}
        for attribute, spec, get, convert in _parts(cls):
            part = given[attribute] if attribute in given else (get or _attribute_getter(attribute, spec))(value)
            if part is not ABSENT:
                result[key_name(attribute, spec)] = part if convert is None else convert(part)
        return result

    @classmethod
    def read(cls, raw: Mapping[str, Any], makes: type[Made], **given: Any) -> Made:
        """A dataclass read from an object: each of its fields from the key of that name; other keys are ignored.

        `given` holds values of fields that are not read. Raises KeyError for a missing key, ValueError for a value that
        does not fit.
        """
        for name, spelled, check, default in _readable_fields(cls, makes):
            if name not in given and (default is MISSING or spelled in raw):
                given[name] = check(raw[spelled])
        return makes(**given)


class Document(Shape):
    """The outermost object of a document: `format` names it with its version, `title` says where it comes from."""

    format: ClassVar[str]
    title: ClassVar[str]

    def __init_subclass__(cls, *, format: str, title: str, **more: Any) -> None:  # noqa: A002 - what documents call it
        super().__init_subclass__(**more)
        cls.format, cls.title = format, title
        named = JsonKey("Name and version of this format.")
        cls.__keys__ = {"format": (named, lambda _: format), **cls.__keys__}


def _attribute_getter(name: str, each: JsonKey) -> Convert:
    return (lambda value: getattr(value, name, ABSENT)) if each.optional else attrgetter(name)


def _composed(base: Convert, get: Convert) -> Convert:
    return lambda value: get(base(value))


def _getter(name: str, each: JsonKey, by: Callable[[str], Convert]) -> Convert | None:
    """What gives a key's value; None for the attribute of its name."""
    return each.of or (None if by is attrgetter else by(name))


def key_name(attribute: str, each: JsonKey) -> str:
    """The name of a key in a document."""
    first, *rest = attribute.split("_")
    return each.name or first + "".join(map(str.capitalize, rest))


@_cached
def hints_of(cls: type) -> dict[str, Any]:
    """The type of each key of a shape, and of each field of a dataclass."""
    hints = get_type_hints(cls, include_extras=True)
    return hints | ({"format": Literal[cls.format]} if issubclass(cls, Document) else {})


@_cached
def _parts(shape: type[Any]) -> list[tuple[str, JsonKey, Convert | None, Convert | None]]:
    """Each key as it is written: its attribute, the key, what gives its value, and what makes JSON of that."""
    hints, keys = hints_of(shape), shape.__keys__
    return [(attribute, *keys[attribute], _to_json(hints[attribute])) for attribute in shape.__order__ or keys]


@_cached
def _writer(shape: type[Any]) -> Callable[[Any], dict[str, Any]]:
    """`write` of a shape as a function, put together from its keys: a loop over them takes a third more time.

    Its text holds nothing but names of attributes and of keys.
    """
    names: dict[str, Any] = {"ABSENT": ABSENT}
    first: list[str] = []
    lines: list[str] = []
    for attribute, spec, get, convert in _parts(shape):
        names |= {f"get_{attribute}": get, f"convert_{attribute}": convert}
        named = f"getattr(value, {attribute!r}, ABSENT)" if spec.optional else f"value.{attribute}"
        value = named if get is None else f"get_{attribute}(value)"
        converted, name = "{}" if convert is None else f"convert_{attribute}({{}})", repr(key_name(attribute, spec))
        if spec.optional:
            lines.append(f"if (part := {value}) is not ABSENT: told[{name}] = {converted.format('part')}")
        elif lines:
            lines.append(f"told[{name}] = {converted.format(value)}")
        else:
            first.append(f"{name}: {converted.format(value)}")
    lines = [f"told = {{{', '.join(first)}}}", *lines, "return told"]
    exec("def write(value):\n " + "\n ".join(lines), names)  # noqa: S102 - as `dataclass` makes its methods
    return names["write"]  # type: ignore[no-any-return]


def unwrapped(hint: Any) -> tuple[Any, tuple[Form, ...], bool]:
    """A type without `Annotated` and `| None`, what was said more of it, and whether it may be null."""
    forms: list[Form] = []
    nullable = False
    while True:
        if get_origin(hint) is Annotated:
            forms += [more for more in hint.__metadata__ if isinstance(more, Form)]
            hint = hint.__origin__
        elif get_origin(hint) in {Union, UnionType} and NoneType in get_args(hint):
            (hint,) = (argument for argument in get_args(hint) if argument is not NoneType)
            nullable = True
        else:
            return hint, tuple(forms), nullable


def _to_json(hint: Any) -> Convert | None:
    """What makes JSON of a value of the type; None where it is JSON already."""
    inner, forms, nullable = unwrapped(hint)
    convert = next((form.write for form in forms if form.write), None)
    if convert is None:
        convert = _container_to_json(inner)
    if convert is None or not nullable:
        return convert
    some = convert
    return lambda value: None if value is None else some(value)


def _container_to_json(hint: Any) -> Convert | None:
    if isinstance(hint, type) and issubclass(hint, Shape):
        return _writer(hint)
    if get_origin(hint) is list:
        each = _to_json(get_args(hint)[0])
        return list if each is None else lambda values: [each(value) for value in values]
    return dict if get_origin(hint) is dict else None


@_cached
def _readable_fields(shape: type[Any], makes: type) -> list[tuple[str, str, Convert, Any]]:
    """Each field of a dataclass that has a key: its name, the key's name, the check of its value, and its default."""
    readable, wanted, hints = [], get_type_hints(makes), hints_of(shape)
    for attribute in fields(makes):
        if attribute.name in shape.__keys__:
            spec = shape.__keys__[attribute.name][0]
            check = _from_json(hints[attribute.name], nullable=NoneType in get_args(wanted[attribute.name]))
            default = attribute.default if spec.optional and spec.of is not None else MISSING
            readable.append((attribute.name, key_name(attribute.name, spec), check, default))
    return readable


def _refuse_reading(raw: Any) -> Any:
    raise NotImplementedError(f"no document is read with such a {type(raw).__name__}")


_CHECKS: Final[Mapping[Any, Convert]] = {str: checked.text, bool: checked.flag}


def _from_json(hint: Any, *, nullable: bool) -> Convert:
    """The check of a value of the type; for types that are never read it raises NotImplementedError when called."""
    inner, forms, _ = unwrapped(hint)
    check = next((form.read for form in forms if form.read), None)
    if check is None and get_origin(inner) is list:
        item = _from_json(get_args(inner)[0], nullable=False)
        return lambda raw: checked.listed(item, raw)
    some = check or _CHECKS.get(inner, _refuse_reading)
    return (lambda raw: checked.optional(some, raw)) if nullable else some
