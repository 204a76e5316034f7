"""What all shapes share."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Address = Annotated[str, Field(examples=["android:com.cash_crash.54/int_13"])]
Count = Annotated[int, Field(ge=0)]
Leaf = Any
"""A JSON value of a resource's field: what fits depends on the field."""


class Shape(BaseModel):
    """An object of a document; its keys are spelled in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)
