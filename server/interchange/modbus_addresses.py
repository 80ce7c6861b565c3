"""Modbus addresses as people and OPC servers write them: 400001, 40001.5, HR100, holding 100, %MW100."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from drivers.data_types import DataType
from drivers.modbus.address import ImpossibleAddress, locate
from drivers.modbus.settings import Table

Notation = Literal["auto", "zero_based", "one_based", "modicon"]
NOTATIONS: Final[tuple[str, ...]] = get_args(Notation)

_NUMBER: Final = re.compile(r"(?P<number>\d{1,6})(?P<rest>.*)")
_WORDS: Final = re.compile(
    r"(?P<table>holding|input|discrete|coil)(?:[\s_]*(?:register|input|output|status|bit))?s?[\s_:]*(?P<number>\d+)(?P<rest>.*)",
    re.IGNORECASE,
)
_IEC: Final = re.compile(r"%(?P<area>MW|MD|MF|MX|M|IW)(?P<number>\d+)(?P<rest>.*)", re.IGNORECASE)
_IGNITION: Final = re.compile(
    r"(?:ns=\d+;s=)?(?:\[[^\]]*\])?(?:(?P<unit>\d{1,3})\.)?"
    r"(?P<area>HRUI_64|HRI_64|HRBCD_32|HRBCD|HRUS|HRUI|HRI|HRF|HRD|HRS|HR|IRUI_64|IRI_64|IRBCD_32|IRBCD|IRUS|IRUI|IRI|IRF|IRD"
    r"|IRS|IR|DI|C)(?P<number>\d+)(?P<rest>.*)",
    re.IGNORECASE,
)
_BIT: Final = re.compile(r"(?:\.|:X|\.X|/)(\d{1,2})", re.IGNORECASE)
_ARRAY: Final = re.compile(r"\s*\[\s*(\d+)\s*\]")
_TEXT: Final = re.compile(r"\.(\d{1,3})([HL])?", re.IGNORECASE)
_TEXT_IGNITION: Final = re.compile(r":(\d{1,3})")
_TABLE: Final[dict[str, Table]] = {"holding": "holding", "input": "input", "discrete": "discrete", "coil": "coil"}
_OF_AREA: Final[dict[str, Table]] = {"HR": "holding", "IR": "input", "DI": "discrete", "C": "coil"}
_SUFFIX: Final[dict[str, tuple[DataType, str]]] = {
    "F": (DataType.Float, ""),
    "D": (DataType.Double, ""),
    "I": (DataType.Int32, ""),
    "UI": (DataType.UInt32, ""),
    "I_64": (DataType.Int64, ""),
    "UI_64": (DataType.UInt64, ""),
    "US": (DataType.UInt16, ""),
    "S": (DataType.String, ""),
    "BCD": (DataType.UInt16, "bcd16"),
    "BCD_32": (DataType.UInt32, "bcd32"),
}
_LIKE: Final = "like 400001, 40001.5, HR100 or holding 100"


class NoAddress(ValueError):
    """A text that is no Modbus address; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class ModbusAddress:
    """table and index: on the wire. written: the number where it is Modicon's (40001), else None. bit, length (bytes of
    a string), elements: what stands behind it. swapped: a string whose bytes are low first. data_type, bcd: what the
    address itself says about the type."""

    table: Table
    index: int
    written: int | None = None
    bit: int | None = None
    length: int | None = None
    elements: int = 0
    swapped: bool = False
    unit: int | None = None
    data_type: DataType | None = None
    bcd: str = ""


def read_address(text: str, notation: Notation, is_text: bool) -> ModbusAddress:
    """The address that a text means. notation: how bare numbers are counted; auto: Modicon's, where they can be.
    is_text: the type is a string, for which .10 is a length and not a bit. Raises NoAddress."""
    text = text.strip()
    try:
        if match := _WORDS.fullmatch(text):
            index = int(match["number"]) - (notation == "one_based")
            return _checked(_TABLE[match["table"].lower()], index, match["rest"], is_text)
        if match := _IEC.fullmatch(text):
            return _iec(match, is_text)
        if match := _IGNITION.fullmatch(text):
            return _ignition(match, notation)
        if match := _NUMBER.fullmatch(text):
            return _number(match["number"], match["rest"], notation, is_text)
    except ImpossibleAddress as error:
        raise NoAddress(str(error)) from error
    raise NoAddress(f'"{text}" is no Modbus address; {_LIKE}')


def _number(digits: str, rest: str, notation: Notation, is_text: bool) -> ModbusAddress:
    number = int(digits)
    if notation in ("zero_based", "one_based"):
        return _checked("holding", number - (notation == "one_based"), rest, is_text)
    if len(digits) < 5 and notation == "auto":
        raise NoAddress(
            f"{digits} may be a coil or any register; write {400000 + number} or HR{number} for a holding register, or "
            "say with --addresses how bare numbers are counted"
        )
    if digits.startswith("0"):
        return _checked("coil", number - 1, rest, is_text, number)
    table, index = locate("modicon", None, number)
    return _checked(table, index, rest, is_text, number)


def _iec(match: re.Match[str], is_text: bool) -> ModbusAddress:
    area, number = match["area"].upper(), int(match["number"])
    if area in ("M", "MX"):
        return _checked("coil", number, match["rest"], is_text)
    kind = {"MD": DataType.Int32, "MF": DataType.Float}.get(area)
    table: Table = "input" if area == "IW" else "holding"
    return _checked(table, number, match["rest"], is_text, data_type=kind)


def _ignition(match: re.Match[str], notation: Notation) -> ModbusAddress:
    """HR1 is the first register, unless bare numbers are counted from 0."""
    area = match["area"].upper()
    table = _OF_AREA[area[:2] if area[:2] in _OF_AREA else area]
    suffix = area[2:] if table in ("holding", "input") else ""
    data_type, bcd = _SUFFIX[suffix] if suffix else (None, "")
    index = int(match["number"]) - (notation != "zero_based")
    unit = int(match["unit"]) if match["unit"] else None
    if data_type is DataType.String:
        length = _TEXT_IGNITION.fullmatch(match["rest"])
        if not length:
            raise NoAddress(f'"{match[0]}" has no length; a string is like HRS100:20')
        return ModbusAddress(table, _wire(table, index), length=int(length[1]), unit=unit, data_type=data_type)
    return _checked(table, index, match["rest"], False, unit=unit, data_type=data_type, bcd=bcd)


def _checked(
    table: Table,
    index: int,
    rest: str,
    is_text: bool,
    written: int | None = None,
    unit: int | None = None,
    data_type: DataType | None = None,
    bcd: str = "",
) -> ModbusAddress:
    """The address with what stands behind its number."""
    index = _wire(table, index)
    if not rest.strip():
        return ModbusAddress(table, index, written, unit=unit, data_type=data_type, bcd=bcd)
    if match := _ARRAY.fullmatch(rest):
        return ModbusAddress(table, index, written, None, None, int(match[1]), False, unit, data_type, bcd)
    if is_text and (match := _TEXT.fullmatch(rest)):
        swapped = (match[2] or "H").upper() == "L"
        return ModbusAddress(table, index, written, None, int(match[1]), 0, swapped, unit, data_type, bcd)
    if match := _BIT.fullmatch(rest):
        if int(match[1]) > 15:
            raise NoAddress(f"bit {match[1]} does not exist; a register has bits 0 to 15")
        return ModbusAddress(table, index, written, int(match[1]), None, 0, False, unit, DataType.Boolean, bcd)
    raise NoAddress(f'"{rest.strip()}" behind the address is not understood; a bit is .5, an array [10]')


def _wire(table: Table, index: int) -> int:
    if not 0 <= index <= 65535:
        raise NoAddress(f"there is no {table} {index}; they go from 0 to 65535")
    return index
