"""The structure of a Thing Description (WoT TD 1.1) as far as it is used. These models check and hold nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class DataSchema(_Part):
    """TD 1.1, 6.3.2."""

    title: str = ""
    description: str = ""
    type: Literal["boolean", "integer", "number", "string", "object", "array", "null"] = "null"
    format: str = ""
    unit: str = ""
    minimum: Number = 0
    maximum: Number = 0
    exclusive_minimum: Number = Field(0, alias="exclusiveMinimum")
    exclusive_maximum: Number = Field(0, alias="exclusiveMaximum")
    min_items: int = Field(0, alias="minItems")
    max_items: int = Field(0, alias="maxItems")
    enum: list[Any] = []
    one_of: list[DataSchema] = Field([], alias="oneOf")
    items: DataSchema | list[DataSchema] = []
    properties: dict[str, DataSchema] = {}


class Form(_Part):
    """TD 1.1, 6.3.4.2."""

    href: str
    op: str | list[str] = []
    content_type: str = Field("application/json", alias="contentType")
    subprotocol: str = ""


class Affordance(DataSchema):
    """A property, or an action with its input. TD 1.1, 6.3.1."""

    forms: list[Form] = Field(min_length=1)
    input: Annotated[DataSchema, Field(default=None)]
    read_only: bool = Field(False, alias="readOnly")
    write_only: bool = Field(False, alias="writeOnly")


class Scheme(_Part):
    """A security scheme."""

    scheme: str


class Thing(_Part):
    """All but the affordances, which are checked one by one."""

    context: str | list[Any] = Field(alias="@context")
    kind: str | list[str] = Field([], alias="@type")
    id: str = ""
    title: str = Field(min_length=1)
    description: str = ""
    base: str = ""
    security: str | list[str] = []
    security_definitions: dict[str, Scheme] = Field({}, alias="securityDefinitions")
    properties: dict[str, Any] = {}
    actions: dict[str, Any] = {}
    events: dict[str, Any] = {}


THING = TypeAdapter(Thing)
AFFORDANCE = TypeAdapter(Affordance)


def problems(model: TypeAdapter[Any], part: object, where: str) -> list[tuple[str, str]]:
    """What of a part is not as the standard has it: JSON pointers and messages."""
    try:
        model.validate_python(part)
    except ValidationError as error:
        found = {_pointer(where, part, one["loc"]): one["msg"] for one in error.errors(include_url=False)}
        return [(pointer, message[0].lower() + message[1:]) for pointer, message in found.items()]
    return []


def _pointer(where: str, part: object, steps: tuple[int | str, ...]) -> str:
    """The place in the document (RFC 6901); steps that only name a branch of the model are not in it."""
    for index, step in enumerate(steps):
        known = step in part if isinstance(part, Mapping) else isinstance(part, list) and isinstance(step, int)
        if known:
            part = part[step]  # type: ignore[index]
        elif index < len(steps) - 1 or not isinstance(part, Mapping):
            continue
        where += f"/{escaped(str(step))}"
    return where


def escaped(name: str) -> str:
    """A name in a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
