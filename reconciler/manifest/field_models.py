"""How manifests declare the fields of the API: as pydantic types, made of the table of fields.

Descriptions and examples go into the JSON Schemas, and so into editors.
"""

from collections.abc import Callable, Iterable
from types import GenericAlias
from typing import Annotated, Any, Literal, Self, TypeVar, assert_never, cast

from pydantic import Discriminator, Field, Tag, create_model, model_validator
from pydantic.config import ConfigDict
from pydantic_core import PydanticCustomError

from reconciler.manifest.block import UNSET, Amount, Block, Bundle, Count, Price, Text
from reconciler.model.field import FieldSpec
from reconciler.model.field_type import (
    BundleType,
    CountType,
    FlagType,
    GeoType,
    LimitType,
    PricesType,
    RewardType,
    TextType,
    WordsType,
    WordType,
)

Unit = Literal["second", "minute", "hour", "day"]
Decorated = TypeVar("Decorated", bound=Block)


def _complete_unless_off(*names: str) -> ConfigDict:
    """A schema in which the named fields may be missing only where `enabled` is false."""
    off: dict[str, Any] = {"properties": {"enabled": {"const": False}}, "required": ["enabled"]}
    return ConfigDict(json_schema_extra={"anyOf": [{"required": list(names)}, off]})


class Switchable(Block):
    """A block with a switch: turned off it needs nothing else."""

    enabled: bool = Field(default=True, description="false turns it off; so does null in its place.", examples=[True])

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in type(self).model_fields if name != "enabled" and getattr(self, name) is None]
        if self.enabled and missing:
            raise PydanticCustomError("incomplete", "{missing}", {"missing": " and ".join(missing)})
        return self


class Frequency(Switchable):
    """So many impressions, or so much time between them."""

    model_config = _complete_unless_off("value", "unit")
    value: Count = Field(default=UNSET, description="How many; a whole number from 1.", examples=[12])
    unit: Unit = Field(default=UNSET, description="The unit of time.", examples=["minute"])


class Reward(Switchable):
    """What a user is given for watching, announced to your server."""

    model_config = _complete_unless_off("currency", "amount")
    currency: Text = Field(default=UNSET, description="What is given, in your app's words.", examples=["coins"])
    amount: Amount = Field(default=UNSET, description="How much of it.", examples=[10])


class Geo(Block):
    """Where ads are asked for."""

    include: bool = Field(description="true: only in these countries; false: everywhere but there.", examples=[True])
    countries: list[str] = Field(
        min_length=1, description="ISO 3166 alpha-2 codes and names of countryGroups.", examples=[["BT", "SG"]]
    )


class CountryPrice(Block):
    """One line of floorPrices in the API's own form."""

    country: str = Field(description="An ISO 3166 alpha-2 code, WW, or a name of countryGroups.", examples=["US"])
    price: Price = Field(description="USD per thousand impressions, at least 0.01.", examples=[1.2])


def _floor_form(raw: Any) -> str:
    return "(list)" if isinstance(raw, list) else "(map)"


FloorPrices = Annotated[
    Annotated[dict[str, Price], Tag("(map)")] | Annotated[list[CountryPrice], Tag("(list)")], Discriminator(_floor_form)
]


def _annotation(spec: FieldSpec) -> Any:
    """The type of what a manifest declares for the field."""
    declared: Any
    match spec.type:
        case FlagType():
            declared = bool
        case TextType():
            declared = Text
        case BundleType():
            declared = Bundle
        case WordType() | WordsType():
            declared = _choice(spec.type)
        case CountType():
            declared = Count
        case PricesType():
            declared = FloorPrices
        case GeoType():
            declared = Geo
        case LimitType():
            declared = Frequency
        case RewardType():
            declared = Reward
        case _:
            assert_never(spec.type)
    return declared


def _choice(word: WordType | WordsType) -> Any:
    one = cast("Any", Literal)[word.choices]
    return one if isinstance(word, WordType) else Annotated[GenericAlias(list, (one,)), Field(min_length=1)]


def described(spec: FieldSpec, **more: Any) -> Any:
    """A pydantic field with the name, description and examples of the API's."""
    return Field(alias=spec.name, description=spec.description, examples=list(spec.examples), **more)


def declaring(specs: Iterable[FieldSpec]) -> Callable[[type[Decorated]], type[Decorated]]:
    """A decorator: the class with the fields behind its own, as attributes of their names, none of them required."""

    def declare(block: type[Decorated]) -> type[Decorated]:
        fields: dict[str, Any] = {}
        for spec in specs:
            declared = _annotation(spec)
            fields[spec.name] = declared | None if spec.turns_off else declared, described(spec, default=UNSET)
        return create_model(block.__name__, __base__=block, __doc__=block.__doc__, __module__=__name__, **fields)

    return declare
