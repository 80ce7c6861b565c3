"""Tag lists of OPC servers (CSV) to drafts of a plant file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from drivers.data_types import DataType, value_range
from server.interchange.cells import Access, Scaling, Unclear, access, flag, number, scaling, states, unit_code
from server.interchange.columns import Row, TagList
from server.interchange.drafts import Finding, PlantDraft, TagDraft, plant_name, usable_name
from server.interchange.modbus_addresses import Notation
from server.interchange.points import READERS, Dialect, Point, further_keys, kind_of
from server.interchange.type_words import DeviceType, UnknownType, device_type

_IGNITION: Final = re.compile(r"(ns=\d+;s=)?\[")
_MODICON: Final = re.compile(r"\d{5,6}")
_PROVIDER: Final = re.compile(r"^\[[^\]]*\]")
_PARTS: Final = re.compile(r"[./\\]+")
_TAG_TYPES: Final = frozenset({"opc", "opctag", "atomictag", "1", ""})
_CONTAINERS: Final = frozenset({"folder", "0"})
_FLOATS: Final = (DataType.Float, DataType.Double)


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What the list itself does not say. connection, settings: the device, `driver` first; twin: where tags without a
    group go; addresses: how bare numbers count; rate_s: of tags that give none; read_only: import no commands."""

    connection: str
    settings: Mapping[str, Any]
    twin: str
    addresses: Notation = "auto"
    rate_s: float = 1.0
    read_only: bool = False


def read_drafts(tags: TagList, options: ListOptions) -> tuple[PlantDraft, list[Finding]]:
    """The draft of a plant, and what to tell about each line that is not in it, or not as the list has it."""
    reader = _Reader(tags, options)
    settings = dict(options.settings)
    if settings["driver"] == "modbus" and reader.dialect.written_as != "zero_based":
        settings["addresses"] = reader.dialect.written_as
    draft = PlantDraft(plant_name(options.twin), {options.connection: settings})
    findings = list(reader.about_columns())
    for row in tags.rows:
        try:
            tag = reader.tag(row)
        except (Unclear, UnknownType) as error:
            findings.append(Finding(str(row.line), str(error)))
            continue
        if tag is not None:
            draft.tags.append(tag)
        findings += [Finding(str(row.line), note, skipped=False) for note in reader.notes]
    return draft, findings


class _Reader:
    """notes: what to tell about the last row, though it was imported."""

    def __init__(self, tags: TagList, options: ListOptions) -> None:
        self.notes: list[str] = []
        self.dialect = _dialect(tags, options)
        self._list = tags
        self._options = options
        self._point = READERS[str(options.settings["driver"])]

    def about_columns(self) -> Iterator[Finding]:
        """What is not read at all."""
        if self._list.unknown:
            names = ", ".join(self._list.unknown)
            yield Finding("", f"columns that mean nothing here and are not imported: {names}", skipped=False)
        if self._list.preamble:
            yield Finding("", f"{self._list.preamble} lines before the header are not read", skipped=False)

    def tag(self, row: Row) -> TagDraft | None:
        """The tag of a row, None for a row that is a mere folder. Raises Unclear and UnknownType."""
        self.notes = []
        cells = row.cells
        if cells.get("tag_type", "").lower() in _CONTAINERS:
            return None
        twin, name = self._names(cells)
        if cells.get("tag_type", "").lower() not in _TAG_TYPES:
            raise Unclear(f"{name} is a tag of type {cells['tag_type']}; only OPC tags have an address in a device")
        if not flag(cells, "enabled", otherwise=True):
            raise Unclear(f"{name} is switched off in the list")
        if "address" not in cells:
            raise Unclear(f"{name} has no address")
        device = _device_type(cells, self.dialect.ignition)
        wanted = Access.read if self._options.read_only else access(cells)
        point = self._point(cells, device, wanted, self.dialect)
        self.notes += point.notes
        spec = self._spec(cells, device, point)
        return TagDraft(str(row.line), twin, name, point.access is not Access.read, spec, point.remark)

    def _names(self, cells: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
        if "name" not in cells:
            raise Unclear("the tag has no name")
        whole = "/".join((_PROVIDER.sub("", cells.get("path", "")), cells["name"]))
        made = [usable_name(part) for part in _PARTS.split(whole) if part.strip()]
        if not made:
            raise Unclear(f'"{cells["name"]}" is no name')
        self.notes += [note for _, note in made if note]
        names = [name for name, _ in made]
        return tuple(names[:-1]) or (self._options.twin,), names[-1]

    def _spec(self, cells: Mapping[str, str], device: DeviceType | None, point: Point) -> dict[str, Any]:
        scaled = scaling(cells)
        data_type = _data_type(cells, device, point.raw, scaled)
        if data_type is not point.raw and self._options.settings["driver"] == "modbus" and "bit" not in point.keys:
            point.keys.setdefault("type", kind_of(point.raw))
        if scaled is not None:
            point.keys |= {"scale": scaled.scale} | ({"offset": scaled.offset} if scaled.offset else {})
        spec: dict[str, Any] = {"type": data_type.name}
        spec |= {"array_length": point.elements} if point.elements else {}
        spec |= self._meaning(cells, data_type, scaled)
        spec |= {"description": cells["description"]} if "description" in cells else {}
        spec["rate_s"] = self._rate_s(cells)
        spec |= self._clamp(cells, point)
        return spec | {"point": point.keys | further_keys(cells)}

    def _meaning(self, cells: Mapping[str, str], data_type: DataType, scaled: Scaling | None) -> dict[str, Any]:
        """Unit, range and states, where the type may have them."""
        span = self._range(cells, scaled)
        if "states" in cells:
            names = states(cells["states"])
            self._lost("a tag with states has no", cells, span)
            return {"states": list(names)}
        if value_range(data_type) is None:
            self._lost(f"a {data_type.name} has no", cells, span)
            return {}
        meaning: dict[str, Any] = {}
        if "unit" in cells:
            code, problem = unit_code(cells["unit"])
            self.notes += [f"{problem}; the tag is imported without"] if problem else []
            meaning |= {"unit": code} if code else {}
        return meaning | ({"range": list(span)} if span else {})

    def _lost(self, why: str, cells: Mapping[str, str], span: tuple[float, float] | None) -> None:
        for what, given in (("unit", "unit" in cells), ("range", span is not None)):
            if given:
                self.notes.append(f"{why} {what}; it is left out")

    def _range(self, cells: Mapping[str, str], scaled: Scaling | None) -> tuple[float, float] | None:
        """By its own columns; where the list has none, the ends of the scaling."""
        if not {"eu_low", "eu_high"} & self._list.fields:
            return scaled.span if scaled is not None else None
        low, high = number(cells, "eu_low"), number(cells, "eu_high")
        if low is None or high is None:
            return None
        if low >= high:
            if low != 0 or high != 0:
                self.notes.append(f"the range {low:g} to {high:g} is none; it is left out")
            return None
        return low, high

    def _rate_s(self, cells: Mapping[str, str]) -> float:
        milliseconds, seconds = number(cells, "rate_ms"), number(cells, "rate_s")
        return seconds or (milliseconds or 0) / 1000 or self._options.rate_s

    def _clamp(self, cells: Mapping[str, str], point: Point) -> dict[str, Any]:
        low, high = flag(cells, "clamp_low"), flag(cells, "clamp_high")
        if low and high and point.access is not Access.read:
            return {"clamp": True}
        if low or high:
            self.notes.append("values are not clamped to their range; they come as they are")
        return {}


def _dialect(tags: TagList, options: ListOptions) -> Dialect:
    ignition = "tag_type" in tags.fields or any(_IGNITION.match(row.cells.get("address", "")) for row in tags.rows)
    if options.addresses != "auto":
        return Dialect(options.addresses, options.addresses, ignition)
    bare = any(_MODICON.match(row.cells.get("address", "")) for row in tags.rows)
    return Dialect("auto", "modicon" if bare else "zero_based", ignition)


def _device_type(cells: Mapping[str, str], ignition: bool) -> DeviceType | None:
    text = cells.get("type", "")
    return None if text.lower() in ("", "default", "auto") else device_type(text, ignition)


def _data_type(cells: Mapping[str, str], device: DeviceType | None, raw: DataType, scaled: Scaling | None) -> DataType:
    """What clients see: the type after scaling, else that of the column, else that of the device."""
    if "scaled_type" in cells:
        return device_type(cells["scaled_type"]).data_type
    told = device.data_type if device else raw
    if scaled is None or told in _FLOATS:
        return told
    size = value_range(told)
    return DataType.Float if size is not None and size[1] <= 65535 else DataType.Double
