"""The tags of a connection as a tag list (CSV), in the columns of common OPC servers."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from drivers.modbus.address import locate
from drivers.modbus.layout import SUGGESTED
from drivers.modbus.settings import Kind, Table
from server.config.plant import Connection, Tag
from server.interchange.type_words import SERVER_WORD

_COLUMNS: Final = (
    "Tag Name", "Address", "Data Type", "Respect Data Type", "Client Access", "Scan Rate", "Scaling", "Raw Low",
    "Raw High", "Scaled Low", "Scaled High", "Scaled Data Type", "Clamp Low", "Clamp High", "Eng Units", "Description",
    "Negate Value", "EU Low", "EU High", "States", "JSON Path", "Write Address", "Unit ID", "Point Options",
)  # fmt: skip
_ALWAYS: Final = 19
"""So many columns are always written, those of other servers and the range; the rest where a tag needs it."""
_PREFIX: Final[dict[Table, str]] = {"coil": "0", "discrete": "1", "input": "3", "holding": "4"}
_WORD_OF_KIND: Final[dict[Kind, str]] = {
    **{kind: SERVER_WORD[data_type] for data_type, kind in reversed(SUGGESTED.items())},
    "int16": "Short",
    "uint16": "Word",
    "bcd16": "BCD",
    "bcd32": "LBCD",
    "float16": "Float",
}
_RAW_SPAN: Final = 16384.0
"""Raw High of a scaled tag; a power of two, so that dividing by it again loses nothing."""
_TABLES_OF_BITS: Final = ("coil", "discrete")
Cells = dict[str, str]


def export_tags(connection: Connection) -> tuple[str, list[str]]:
    """The list, and what of the tags it cannot say. Raises KeyError for a driver without a word for addresses."""
    describe = _DESCRIBE[connection.driver]
    rows = [_common(tag) | describe(tag, connection) for tag in connection.tags]
    used = [name for index, name in enumerate(_COLUMNS) if index < _ALWAYS or any(row.get(name) for row in rows)]
    out = io.StringIO()
    writer = csv.DictWriter(out, used, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue(), list(_unsaid(connection))


def _common(tag: Tag) -> Cells:
    cells = {
        "Tag Name": tag.path.replace("/", "."),
        "Data Type": SERVER_WORD[tag.data_type],
        "Respect Data Type": "1",
        "Client Access": "RO" if tag.command is None else "R/W",
        "Scan Rate": _number(round(tag.rate_s * 1000, 6)),
        "Eng Units": tag.unit or "",
        "Description": tag.description,
        "States": _states(tag.states),
    }
    if tag.range is not None:
        cells |= {"EU Low": _number(tag.range[0]), "EU High": _number(tag.range[1])}
    if tag.command is not None and tag.command.clamp:
        cells |= {"Clamp Low": "1", "Clamp High": "1"}
    return cells | _scaling(tag)


def _scaling(tag: Tag) -> Cells:
    scale, offset = tag.point.scale, tag.point.offset
    if scale == 1 and not offset:
        return {}
    return {
        "Scaling": "Linear",
        "Raw Low": "0",
        "Raw High": _number(_RAW_SPAN),
        "Scaled Low": _number(offset),
        "Scaled High": _number(offset + scale * _RAW_SPAN),
        "Scaled Data Type": SERVER_WORD[tag.data_type],
    }


def _modbus(tag: Tag, connection: Connection) -> Cells:
    point, settings = tag.point, connection.settings
    table, index = locate(settings.addresses, point.table, point.address)
    said = {"address", "table", "unit", "scale", "offset"}
    address = f"{_PREFIX[table]}{index + 1:05}"
    cells: Cells = {"Unit ID": "" if point.unit is None else str(point.unit)}
    kind = point.type or SUGGESTED.get(tag.data_type)
    if point.bit is not None:
        address += f".{point.bit}"
        said |= {"bit", "type"}
    elif kind == "string" and point.length:
        low_first = (point.byte_order or settings.byte_order) == "little"
        address += f".{2 * point.length}{'L' if low_first else 'H'}"
        said |= {"length", "type", "byte_order"}
    elif table not in _TABLES_OF_BITS and kind not in (None, SUGGESTED.get(tag.data_type)):
        cells |= {"Data Type": _WORD_OF_KIND[kind], "Scaled Data Type": SERVER_WORD[tag.data_type]}
    if kind != "float16":
        said |= {"type"}
    return cells | {"Address": address + _elements(tag), "Point Options": _options(point, said)}


def _elements(tag: Tag) -> str:
    return f" [{tag.array_length}]" if tag.array_length else ""


def _mqtt(tag: Tag, _connection: Connection) -> Cells:
    point = tag.point
    cells: Cells = {
        "Address": point.topic or point.write_topic,
        "Data Type": _with_elements(tag),
        "JSON Path": point.value or "",
        "Point Options": _options(point, {"topic", "value", "write_topic", "scale", "offset"}),
    }
    if tag.command is not None and point.topic is None:
        return cells | {"Client Access": "WO"}
    return cells | {"Write Address": point.write_topic or ""}


def _coap(tag: Tag, _connection: Connection) -> Cells:
    point = tag.point
    said = {"path", "query", "value", "write_path", "write_query", "read", "scale", "offset"}
    cells: Cells = {
        "Address": point.path + (f"?{point.query}" if point.query else ""),
        "Data Type": _with_elements(tag),
        "JSON Path": point.value or "",
        "Point Options": _options(point, said),
    }
    if point.write_path:
        cells["Write Address"] = point.write_path + (f"?{point.write_query}" if point.write_query else "")
    return cells | ({} if point.read else {"Client Access": "WO"})


def _with_elements(tag: Tag) -> str:
    return SERVER_WORD[tag.data_type] + (f"[{tag.array_length}]" if tag.array_length else "")


_DESCRIBE: Final[Mapping[str, Callable[[Tag, Connection], Cells]]] = {"modbus": _modbus, "mqtt": _mqtt, "coap": _coap}


def _options(point: Any, said: set[str]) -> str:
    """What a point says besides, as JSON."""
    if isinstance(point, BaseModel):
        keys = point.model_dump(mode="json", exclude_defaults=True)
    else:
        keys = {
            field.name: getattr(point, field.name)
            for field in dataclasses.fields(point)
            if getattr(point, field.name) not in (None, field.default)
        }
    rest = {key: value for key, value in keys.items() if key not in said}
    return json.dumps(rest, ensure_ascii=False) if rest else ""


def _states(names: Sequence[str]) -> str:
    plain = not any("|" in name or name.strip() != name or name.startswith("[") for name in names)
    return "|".join(names) if plain else json.dumps(names, ensure_ascii=False)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _unsaid(connection: Connection) -> Iterator[str]:
    settings = connection.settings.model_dump(mode="json", exclude_defaults=True).keys() - {"addresses"}
    yield f"not in the list: settings of the connection ({', '.join(sorted(settings))}); give them to the import"
    for tag in connection.tags:
        rules = tag.command
        if rules is None:
            continue
        lacking = [
            name
            for name, given in (
                ("interlock", rules.interlocks),
                ("confirm", rules.confirm != "acknowledge"),
                ("tolerance", rules.tolerance),
                ("within_s", rules.within_s != 1.0),
                ("limits", rules.limits != tag.range),
            )
            if given
        ]
        if lacking:
            yield f"not in the list: {', '.join(lacking)} of {tag.path}"
