"""The JSON Schema of a plant file for editors, from the models that validate and the drivers' own."""

from __future__ import annotations

import json
import re
from typing import Any, Final, cast

from pydantic import TypeAdapter

from drivers.registry import driver_names, driver_type
from server.config.models import PlantFile
from server.config.upkeep import Upkeep

_HOLE: Final = {"type": "string", "pattern": r"\{.+\}"}
_TEMPLATED: Final = (
    "TypeSpec",
    "TwinSpec",
    "TagSpec",
    "CommandSpec",
    "MethodSpec",
    "InterlockSpec",
    "RuleSpec",
    "ModelSpec",
    "ProcessSpec",
    "MeterSpec",
    "BalanceSpec",
    "OptimizationSpec",
    "LimitSpec",
)
"""Definitions in which text with parameters may stand for any other value."""


def plant_schema() -> dict[str, Any]:
    """The schema as data."""
    schema = PlantFile.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    connections: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for name in driver_names():
        driver = driver_type(name)
        connections.append(_adopt(driver.connection_model, f"{name}_connection", definitions))
        points.append(_adopt(driver.point_model, f"{name}_point", definitions))
        settings = definitions[f"{name}_connection"]
        settings["properties"] = {"driver": {"const": name}, **settings["properties"], **_upkeep()}
        settings["required"] = ["driver", *settings.get("required", ())]
    definitions["Connection"] = {"oneOf": connections, "description": "A device, broker or line."}
    definitions["Point"] = {"anyOf": points, "description": "Address in the device, by the connection's driver."}
    schema["properties"]["connections"]["additionalProperties"] = {"$ref": "#/$defs/Connection"}
    definitions["Instances"] = _INSTANCES
    definitions["TwinSpec"]["properties"]["instances"] = {"$ref": "#/$defs/Instances"}
    for name in ("TagSpec", "CommandSpec"):
        definitions[name]["properties"]["point"] = {"$ref": "#/$defs/Point"}
    for name in [*_TEMPLATED, *(key for key in definitions if key.endswith("_point"))]:
        _let_parameters_stand(definitions[name])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Generated from the models.",
        **schema,
        "title": "uatwin plant file",
        "required": [],  # an included file has some of the sections only
        "patternProperties": {"^x-": {}},
    }


def schema_text() -> str:
    """The schema as the text of docs/plant.schema.json."""
    return json.dumps(plant_schema(), indent=1, ensure_ascii=False) + "\n"


def _upkeep() -> dict[str, Any]:
    """What every connection may hold, whatever its driver."""
    return cast(dict[str, Any], Upkeep.model_json_schema()["properties"])


_INSTANCES: Final[dict[str, Any]] = {
    "description": "One twin per set of parameters: a list, a range, or the rows of a CSV file.",
    "oneOf": [
        {"type": "array", "items": {"type": "object"}},
        {
            "type": "object",
            "properties": {"csv": {"type": "string", "description": "CSV file; its first line names the parameters."}},
            "required": ["csv"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "description": "A range, and values worked out from it: {n: 1..500, base: '{n * 10}'}.",
            "not": {"required": ["csv"]},
            "minProperties": 1,
        },
    ],
}


def _adopt(model: Any, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Add a driver's model and what it refers to under names of their own; returns the reference to it."""
    text = json.dumps(TypeAdapter(model).json_schema())
    own = cast(dict[str, Any], json.loads(re.sub(r'"#/\$defs/([^"]+)"', rf'"#/$defs/{name}_\1"', text)))
    for inner, definition in own.pop("$defs", {}).items():
        definitions[f"{name}_{inner}"] = definition
    definitions[name] = own
    return {"$ref": f"#/$defs/{name}"}


def _let_parameters_stand(definition: dict[str, Any]) -> None:
    """Let text with parameters stand for the values of a definition, which parameters make numbers of."""
    for key, value in definition.get("properties", {}).items():
        about = {name: value.pop(name) for name in ("description", "default", "title") if name in value}
        definition["properties"][key] = {**about, **_or_hole(value)}


def _or_hole(value: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in value:
        return {**value, "anyOf": [*(_items_or_holes(option) for option in value["anyOf"]), _HOLE]}
    if "enum" in value or value.get("type") in ("integer", "number", "boolean", "array"):
        return {"anyOf": [_items_or_holes(value), _HOLE]}
    return value


def _items_or_holes(value: dict[str, Any]) -> dict[str, Any]:
    changed = dict(value)
    if isinstance(value.get("items"), dict):
        changed["items"] = _or_hole(value["items"])
    if "prefixItems" in value:
        changed["prefixItems"] = [_or_hole(item) for item in value["prefixItems"]]
    return changed


if __name__ == "__main__":
    print(schema_text(), end="")
