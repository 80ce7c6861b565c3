"""The properties of an Identification object: the names and data types of OPC 40001-1, and values from text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

BYTE, UINT16, STRING, DATE_TIME, LOCALIZED_TEXT = 3, 5, 12, 13, 21
_LARGEST: Final = {BYTE: 255, UINT16: 65535}


@dataclass(frozen=True, slots=True)
class IdentificationProperty:
    """data_type: numeric id of a built-in type (Part 6, 5.1.2)."""

    data_type: int
    description: str


PROPERTIES: Final[Mapping[str, IdentificationProperty]] = MappingProxyType(
    {
        "AssetId": IdentificationProperty(STRING, "Identifies the asset within the plant, given by the user"),
        "ComponentName": IdentificationProperty(LOCALIZED_TEXT, "Name the user gives to the component"),
        "DeviceClass": IdentificationProperty(STRING, "In which domain or for what purpose it is used"),
        "HardwareRevision": IdentificationProperty(STRING, "Revision level of the hardware"),
        "InitialOperationDate": IdentificationProperty(DATE_TIME, "When it was switched on for the first time"),
        "Location": IdentificationProperty(STRING, "Where it stands"),
        "Manufacturer": IdentificationProperty(LOCALIZED_TEXT, "Name of the company that made it"),
        "ManufacturerUri": IdentificationProperty(STRING, "Unique identifier of the manufacturer"),
        "Model": IdentificationProperty(LOCALIZED_TEXT, "Name of the model"),
        "MonthOfConstruction": IdentificationProperty(BYTE, "Month in which it was made, 1 to 12"),
        "ProductCode": IdentificationProperty(STRING, "Order number or article code of the manufacturer"),
        "ProductInstanceUri": IdentificationProperty(STRING, "Globally unique identifier of this single item"),
        "SerialNumber": IdentificationProperty(STRING, "Unique number the manufacturer gave it"),
        "SoftwareRevision": IdentificationProperty(STRING, "Revision level of the software or firmware"),
        "YearOfConstruction": IdentificationProperty(UINT16, "Gregorian year in which it was made"),
    }
)
"""By BrowseName. Other names are allowed too; they are Strings."""


def identification_value(name: str, text: str) -> str | int | datetime:
    """The value of a property from its text in the plant file, in the property's data type; raises ValueError with
    what would be right. DateTimes without an offset are UTC."""
    known = PROPERTIES.get(name)
    data_type = known.data_type if known else STRING
    if data_type in _LARGEST:
        if not text.isascii() or not text.isdigit() or int(text) > _LARGEST[data_type]:
            raise ValueError(f"{name}: {text!r} is not a whole number from 0 to {_LARGEST[data_type]}")
        return int(text)
    if data_type == DATE_TIME:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{name}: {text!r} is not a date like 2024-05-31 or 2024-05-31T08:00:00+02:00") from None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return text
