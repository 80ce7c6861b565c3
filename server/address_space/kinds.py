"""Which VariableType a tag is shown as, and the properties that go with it (Part 8, 5.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from drivers.data_types import DataType
from nodesets.units import NAMESPACE_URI, unit
from server.alarms.data_quality import is_measured
from server.config.plant import Tag

LAST_ERROR: Final = "LastError"
DATA_QUALITY: Final = "DataQuality"
OWN_PROPERTIES: Final = (LAST_ERROR, DATA_QUALITY)
"""Properties of tags that are not of the OPC Foundation's types."""
"""What was wrong with the latest that came for a tag and could not be used."""
_UNSIGNED: Final = frozenset((DataType.Byte, DataType.UInt16, DataType.UInt32, DataType.UInt64))
_SIGNED: Final = frozenset((DataType.SByte, DataType.Int16, DataType.Int32, DataType.Int64))
_NUMERIC: Final = _UNSIGNED | _SIGNED | {DataType.Float, DataType.Double}


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a Variable: its standard DataType by name, and how its value is made."""

    data_type: str
    is_array: bool
    value: Callable[[Tag], object]


def variable_type(tag: Tag) -> str:
    """The standard name of the tag's VariableType."""
    if tag.states:
        return _discrete_type(tag)
    if tag.data_type in _NUMERIC and (tag.unit or tag.range):
        return "AnalogUnitRangeType" if tag.unit and tag.range else "AnalogUnitType" if tag.unit else "AnalogItemType"
    return "BaseDataVariableType"


def _discrete_type(tag: Tag) -> str:
    if tag.data_type is DataType.Boolean and len(tag.states) == 2:
        return "TwoStateDiscreteType"
    if tag.data_type in _UNSIGNED:
        return "MultiStateDiscreteType"
    return "MultiStateValueDiscreteType" if tag.data_type in _SIGNED else "BaseDataVariableType"


def is_numeric(tag: Tag) -> bool:
    """Whether it can be calculated with: a scalar number, or a Boolean as 0 and 1."""
    return (tag.data_type in _NUMERIC or tag.data_type is DataType.Boolean) and not tag.array_length


def is_stepped(tag: Tag) -> bool:
    """Whether the value holds from one reading to the next instead of going there in a line (Part 11, 5.2.2).
    A setpoint does."""
    return tag.command is not None or tag.data_type not in _NUMERIC or bool(tag.states) or bool(tag.array_length)


def property_names(tag: Tag) -> tuple[str, ...]:
    """BrowseNames of the tag's properties, in the order they are shown."""
    names = _PROPERTIES_OF[variable_type(tag)]
    if tag.connection is None:
        return names
    return (*names, LAST_ERROR, DATA_QUALITY) if is_measured(tag) else (*names, LAST_ERROR)


def engineering_units(code: str) -> ua.EUInformation:
    """EUInformation of a UNECE common code (Part 8, 5.6.3)."""
    known = unit(code)
    return ua.EUInformation(
        NAMESPACE_URI,
        ua.Int32(known.unit_id),
        ua.LocalizedText(known.symbol),
        ua.LocalizedText(known.name),
    )


def _range(tag: Tag) -> ua.Range:
    assert tag.range is not None
    return ua.Range(*tag.range)


def _unit(tag: Tag) -> ua.EUInformation:
    assert tag.unit is not None
    return engineering_units(tag.unit)


def _enum_values(tag: Tag) -> list[ua.EnumValueType]:
    return [ua.EnumValueType(number, ua.LocalizedText(name)) for number, name in enumerate(tag.states)]


_PROPERTIES_OF: Final = {
    "AnalogUnitRangeType": ("EURange", "EngineeringUnits"),
    "AnalogUnitType": ("EngineeringUnits",),
    "AnalogItemType": ("EURange",),
    "TwoStateDiscreteType": ("FalseState", "TrueState"),
    "MultiStateDiscreteType": ("EnumStrings",),
    "MultiStateValueDiscreteType": ("EnumValues", "ValueAsText"),
    "BaseDataVariableType": (),
}
PROPERTIES: Final = {
    "EURange": Property("Range", False, _range),
    "EngineeringUnits": Property("EUInformation", False, _unit),
    "FalseState": Property("LocalizedText", False, lambda tag: ua.LocalizedText(tag.states[0])),
    "TrueState": Property("LocalizedText", False, lambda tag: ua.LocalizedText(tag.states[1])),
    "EnumStrings": Property("LocalizedText", True, lambda tag: [ua.LocalizedText(name) for name in tag.states]),
    "EnumValues": Property("EnumValueType", True, _enum_values),
}
"""How the properties with a fixed value are made; ValueAsText, which follows the tag's value, and LastError are not."""
