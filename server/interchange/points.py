"""The address of a row as the point of a driver: what a cell means to Modbus, MQTT or CoAP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from drivers.data_types import DataType
from drivers.modbus.address import label
from drivers.modbus.layout import SUGGESTED
from server.interchange.cells import Access, Unclear, number
from server.interchange.modbus_addresses import ModbusAddress, NoAddress, Notation, read_address
from server.interchange.type_words import DeviceType

_PATH_IN: Final = re.compile(r"(.*?)\s+(\$\S*)")


@dataclass(slots=True)
class Point:
    """keys: those of the point, in order; raw: the type in the device; access: what the device allows; remark: the
    address as the list has it, where it looks different now."""

    keys: dict[str, Any]
    raw: DataType
    access: Access
    elements: int = 0
    remark: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How addresses of a list are meant. written_as: how those of the connection will be written; ignition: HR is a
    signed register."""

    notation: Notation = "auto"
    written_as: Notation = "modicon"
    ignition: bool = False


Reader = Callable[[Mapping[str, str], DeviceType | None, Access, Dialect], Point]
"""Makes the point of a row; raises Unclear."""


def modbus_point(cells: Mapping[str, str], device: DeviceType | None, access: Access, dialect: Dialect) -> Point:
    """Table, address and all that the address itself says."""
    text = cells["address"]
    try:
        address = read_address(text, dialect.notation, device is not None and device.data_type is DataType.String)
    except NoAddress as error:
        raise Unclear(str(error)) from error
    bits = address.table in ("coil", "discrete")
    raw, bcd = address.data_type, address.bcd
    if raw is None and dialect.ignition and address.table in ("holding", "input"):
        raw = DataType.Int16
    if raw is None and device is not None:
        raw, bcd = device.data_type, device.bcd
    raw = raw or (DataType.Boolean if bits else DataType.UInt16)
    keys = _place(address, dialect.written_as)
    unit_id = address.unit if address.unit is not None else number(cells, "unit_id")
    keys |= {} if unit_id is None else {"unit": int(unit_id)}
    keys |= {} if address.bit is None else {"bit": address.bit}
    if bcd:
        keys["type"] = bcd
    if raw is DataType.String:
        keys["length"] = _registers(address, cells)
        keys |= {"byte_order": "little"} if address.swapped else {}
    elements = address.elements or (device.length if device else 0)
    if device is not None and device.array and not elements:
        raise Unclear(f'{cells["type"]} needs the number of elements behind the address, like "{text} [10]"')
    same = text.isdigit() and int(text) == keys["address"]
    point = Point(keys, raw, access, elements, "" if same else text)
    if access is not Access.read and address.table in ("discrete", "input"):
        point.access = Access.read
        point.notes.append(f"table {address.table} can only be read; it is imported as read only")
    return point


def _place(address: ModbusAddress, notation: Notation) -> dict[str, Any]:
    table, index = address.table, address.index
    if notation != "modicon":
        return {"table": table, "address": index + (notation == "one_based")}
    if table == "coil":
        return {"table": "coil", "address": index + 1}
    return {"address": address.written or label("modicon", table, index)}


def _registers(address: ModbusAddress, cells: Mapping[str, str]) -> int:
    length = address.length or number(cells, "length")
    if not length:
        raise Unclear(f'a string needs its length in bytes behind the address, like "{cells["address"]}.20H"')
    return (int(length) + 1) // 2


def mqtt_point(cells: Mapping[str, str], device: DeviceType | None, access: Access, _dialect: Dialect) -> Point:
    """Topic and path into its messages: "plant/pump1 $.speed"."""
    topic, path = _split(cells)
    target = cells.get("write_address", "")
    raw = device.data_type if device else DataType.Double
    point = Point({}, raw, access, device.length if device else 0)
    if access is Access.write:
        point.keys = {"write_topic": target or topic}
        return point
    point.keys = {"topic": topic} | ({"value": path} if path else {})
    if access is Access.both and target:
        point.keys["write_topic"] = target
    elif access is Access.both:
        point.access = Access.read
        point.notes.append("a command needs a column Write Address with its topic; it is imported as read only")
    return point


def coap_point(cells: Mapping[str, str], device: DeviceType | None, access: Access, _dialect: Dialect) -> Point:
    """Path, query and path into the payload: "/tank?sensor=1 $.level"."""
    address, path = _split(cells)
    parts = urlsplit(address)
    if not parts.path.startswith("/"):
        raise Unclear(f'"{address}" is no resource; like /tank, or /tank $.level for a part of its payload')
    keys: dict[str, Any] = {"path": parts.path}
    keys |= {"query": parts.query} if parts.query else {}
    keys |= {"value": path} if path else {}
    keys |= {"read": False} if access is Access.write else {}
    if access is not Access.read and (target := urlsplit(cells.get("write_address", ""))).path:
        keys |= {"write_path": target.path} | ({"write_query": target.query} if target.query else {})
    return Point(keys, device.data_type if device else DataType.Double, access, device.length if device else 0)


def _split(cells: Mapping[str, str]) -> tuple[str, str]:
    match = _PATH_IN.fullmatch(cells["address"])
    address, path = (match[1], match[2]) if match else (cells["address"], "")
    return address, cells.get("value_path", path)


def further_keys(cells: Mapping[str, str]) -> dict[str, Any]:
    """The rest of a point, as an exported list has it: a JSON object. Raises Unclear."""
    if "options" not in cells:
        return {}
    try:
        keys = json.loads(cells["options"])
    except ValueError as error:
        raise Unclear(f"point options are no JSON object ({error})") from error
    if not isinstance(keys, dict):
        raise Unclear('point options are no JSON object; they are like {"no_data": 32768}')
    return keys


READERS: Final[Mapping[str, Reader]] = {"modbus": modbus_point, "mqtt": mqtt_point, "coap": coap_point}
"""By driver."""


def kind_of(raw: DataType) -> str:
    """What the Modbus driver calls a type in the device; raises Unclear."""
    if raw not in SUGGESTED:
        raise Unclear(f"a {raw.name} cannot come from Modbus")
    return SUGGESTED[raw]
