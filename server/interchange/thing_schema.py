"""Data schemas of a Thing Description (WoT TD 1.1, 6.3.2): type, unit, range and states of a tag."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from drivers.data_types import DataType, value_range
from nodesets.units import known

_UNITS: Final[dict[str, str]] = {
    name: code
    for code, names in {
        "CEL": "cel deg_c degree_celsius degreecelsius celsius degc",
        "FAH": "[degf] deg_f degree_fahrenheit degreefahrenheit fahrenheit degf",
        "KEL": "k kelvin",
        "P1": "% percent",
        "BAR": "bar",
        "PAL": "pa pascal",
        "A97": "hpa hectopascal hectopa",
        "KPA": "kpa kilopascal kilopa",
        "WTT": "w watt",
        "KWT": "kw kilowatt kilow",
        "WHR": "wh w.h watthour w-hr w_hr",
        "KWH": "kwh kw.h kilowatthour kilow-hr kw_hr",
        "AMP": "a ampere",
        "VLT": "v volt",
        "HTZ": "hz hertz",
        "RPM": "{rev}/min rev-per-min rev_per_min revolutionperminute r/min",
        "MTR": "m metre meter",
        "MMT": "mm millimetre millimeter millim",
        "MTS": "m/s m-per-sec metrepersecond-time metrepersecond",
        "C16": "mm/s millim-per-sec millimetrepersecond-time",
        "MTQ": "m3 cubicmetre",
        "MQH": "m3/h m3-per-hr cubicmetreperhour",
        "LTR": "l litre liter",
        "L2": "l/min l-per-min litreperminute-time litreperminute",
        "SEC": "s sec second second-time",
        "MIN": "min minute minute-time",
        "HUR": "h hr hour hour-time",
        "KGM": "kg kilogram kilogm",
        "LUX": "lx lux",
        "59": "[ppm] ppm partspermillion",
        "DD": "deg degree",
        "OHM": "ohm",
        "D10": "siemenspermetre s/m",
    }.items()
    for name in names.split()
}
"""UCUM, QUDT and OM (the vocabularies that Thing Descriptions use) to UNECE."""
_PREFIX: Final = re.compile(r"^(?:https?://.*[/#]|[a-z][\w-]*:)(?=.)", re.IGNORECASE)
_PRIMITIVE: Final = frozenset({"boolean", "integer", "number", "string"})
Schema = Mapping[str, Any]


class NotSupported(ValueError):
    """Something of a Thing Description that a tag cannot be; the message says what and why."""


def leaves(schema: Schema, path: str = "$") -> Iterator[tuple[tuple[str, ...], str, Schema]]:
    """The values in a schema: names on the way, JSON path ("$" for all of it) and schema of each."""
    if schema.get("type") != "object":
        yield (), path, schema
        return
    for name, below in _mapping(schema.get("properties")).items():
        step = f".{name}" if re.fullmatch(r"[A-Za-z_]\w*", name) else f"['{name}']"
        for names, deeper, leaf in leaves(_mapping(below), path + step):
            yield (name, *names), deeper, leaf


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def element(schema: Schema) -> tuple[Schema, int]:
    """The schema of a value, and how many there are: 0 for a single one. Raises NotSupported."""
    if schema.get("type") != "array":
        return schema, 0
    low, high = schema.get("minItems"), schema.get("maxItems")
    items = schema.get("items")
    if not isinstance(items, Mapping) or not isinstance(high, int) or low != high:
        raise NotSupported("an array needs items of one type, and minItems equal to maxItems; its length is fixed here")
    return items, high


def data_type(schema: Schema) -> DataType:
    """The type of a value in JSON; raises NotSupported."""
    kind = schema.get("type", _kind_of_values(schema))
    if kind not in _PRIMITIVE:
        raise NotSupported(f"a value of type {kind} is no tag; boolean, integer, number and string are")
    if kind == "boolean":
        return DataType.Boolean
    if kind == "string":
        return DataType.DateTime if schema.get("format") == "date-time" else DataType.String
    return DataType.Double if kind == "number" else whole_type(schema, 64)


def whole_type(schema: Schema, bits: int) -> DataType:
    """The integer type of that many bits, unsigned where the schema allows nothing below 0."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    unsigned = isinstance(low, (int, float)) and low >= 0
    return DataType[f"{'U' if unsigned else ''}Int{bits}"]


def _kind_of_values(schema: Schema) -> str | None:
    values = _constants(schema)
    if values and all(isinstance(value, bool) for value in values):
        return "boolean"
    if values and all(isinstance(value, int) for value in values):
        return "integer"
    return "string" if values and all(isinstance(value, str) for value in values) else None


def meaning(schema: Schema, kind: DataType) -> tuple[dict[str, Any], list[str]]:
    """unit, range and states as a tag has them, and what to tell about what it cannot have."""
    names = _states(schema, kind)
    if names:
        return {"states": names}, [f"a tag with states has no {what}; left out" for what in ("unit",) if what in schema]
    if value_range(kind) is None:
        return {}, ["only numbers have a unit; left out"] if "unit" in schema else []
    found: dict[str, Any] = {}
    notes: list[str] = []
    if text := schema.get("unit"):
        code = unit_code(str(text))
        found |= {"unit": code} if code else {}
        notes += [] if code else [f'the unit "{text}" is not known; the tag is imported without']
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if _is_number(low) and _is_number(high) and low < high:
        found["range"] = [low, high]
    elif (low or high) is not None:
        notes.append("a range needs minimum and maximum; left out")
    return found, notes


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def unit_code(text: str) -> str | None:
    """The UNECE code of a unit by UCUM, QUDT, OM, its symbol or its name; with or without a prefix or IRI."""
    bare = _PREFIX.sub("", text.strip())
    return _UNITS.get(bare.lower()) or known(bare) or known(bare.replace("_", " ").replace("-", " "))


def description(thing: Mapping[str, Any], leaf: Schema) -> str:
    """What a value is, with the values it may have where those cannot be states."""
    text = str(leaf.get("description") or thing.get("description") or leaf.get("title") or thing.get("title") or "")
    values = [value for value in _constants(leaf) if isinstance(value, str)]
    return f"{text} ({', '.join(values)})".strip() if values else text


def _constants(schema: Schema) -> list[Any]:
    if isinstance(schema.get("enum"), list):
        return list(schema["enum"])
    choices = schema.get("oneOf")
    return [one["const"] for one in choices if "const" in one] if isinstance(choices, list) else []


def _states(schema: Schema, kind: DataType) -> list[str]:
    """Names of the values 0, 1, ... where the schema lists just these."""
    values = _constants(schema)
    titles = [str(one.get("title", one.get("const"))) for one in schema.get("oneOf", []) if "const" in one]
    names = titles or [str(value) for value in values]
    pairs = sorted(zip(map(_ordinal, values), names, strict=True))
    whole = kind is DataType.Boolean or (value_range(kind) is not None and kind.name.lstrip("U").startswith("Int"))
    if not whole or [number for number, _ in pairs] != list(range(len(pairs))) or len(pairs) < 2:
        return []
    return [name for _, name in pairs] if titles or kind is not DataType.Boolean else []


def _ordinal(value: object) -> int:
    return int(value) if isinstance(value, (bool, int)) else -1
