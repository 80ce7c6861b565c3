"""Which fields go out together: DataSets of twins, and the writer groups they belong to (Part 14, 5.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from drivers.data_types import has_cell
from drivers.readings import Readings
from drivers.status import Status
from server.config.plant import Plant, Tag, Twin
from server.publish.reduced import Aspect, Keep, Plan

_WRITER_IDS: Final = 0x7FFF
"""DataSetWriterIds up to this are configured, those above are the server's own (Part 14, 6.2.4.1)."""
_IDLE: Final = np.uint32(Status.BadNotConnected)
_ASPECT_NAMES: Final = {
    Aspect.mean: "Mean",
    Aspect.minimum: "Minimum",
    Aspect.maximum: "Maximum",
    Aspect.last: "Last",
    Aspect.count: "Count",
}


@dataclass(frozen=True, slots=True)
class FieldOf:
    """A field of a DataSet: a tag, or a figure of its periods. name is unique in the DataSet."""

    name: str
    tag: Tag
    aspect: Aspect = Aspect.value


@dataclass(frozen=True, slots=True)
class DataSet:
    """What is published of one twin by one group. writer: the DataSetWriterId, unique within the publisher and the same
    after a restart. name: the twin's path with dots, fit for a level of a topic."""

    writer: int
    name: str
    group: str
    twin: Twin
    fields: tuple[FieldOf, ...]


def data_sets(plant: Plant, groups: Mapping[str, frozenset[str]], plan: Plan) -> tuple[DataSet, ...]:
    """The DataSets of all groups. groups: name to the paths of the tags that are published there."""
    found = [
        (group, twin, tags)
        for group, paths in groups.items()
        for twin in plant.walk()
        if (tags := [tag for tag in _tags(twin) if tag.path in paths])
    ]
    ids = writer_ids([f"{group}/{twin.path}" for group, twin, _ in found])
    return tuple(
        DataSet(number, twin.path.replace("/", "."), group, twin, tuple(_fields(tags, plan)))
        for number, (group, twin, tags) in zip(ids, found, strict=True)
    )


def writer_ids(names: Sequence[str]) -> list[int]:
    """A number from 1 to 32767 for each name: a checksum of the name, the next free one where two share it."""
    if len(names) > _WRITER_IDS:
        raise ValueError(f"{len(names)} DataSets, and a publisher can tell {_WRITER_IDS} apart; publish fewer twins")
    taken: dict[int, str] = {}
    for name in sorted(names):
        number = crc32(name.encode()) % _WRITER_IDS
        while number in taken:
            number = (number + 1) % _WRITER_IDS
        taken[number] = name
    of_name = {name: number + 1 for number, name in taken.items()}
    return [of_name[name] for name in names]


def _tags(twin: Twin) -> Iterable[Tag]:
    return (*twin.telemetry, *twin.commands, *twin.analytics, *twin.diagnostics)


def _fields(tags: Iterable[Tag], plan: Plan) -> Iterator[FieldOf]:
    for tag in tags:
        yield FieldOf(tag.name, tag)
        if plan.keep[tag.row] == Keep.window and has_cell(tag.data_type) and not tag.array_length:
            yield from (FieldOf(f"{tag.name}.{name}", tag, aspect) for aspect, name in _ASPECT_NAMES.items())


class Layout:
    """Where the reading of a row goes: the DataSet, by row, and the name of the field. A row is in one DataSet of a
    group, and may be in one of each of several groups. rows: int32, all that are published."""

    def __init__(self, sets: Sequence[DataSet], rows: int) -> None:
        self.sets = sets
        groups = dict.fromkeys(one.group for one in sets)
        self._of_group = {group: np.full(rows, -1, np.int32) for group in groups}
        self._names = np.full((rows, len(Aspect)), "", object)
        for number, one in enumerate(sets):
            own = [field.tag.row for field in one.fields]
            self._of_group[one.group][own] = number
            for field in one.fields:
                self._names[field.tag.row, field.aspect] = field.name
        self.rows = np.unique([field.tag.row for one in sets for field in one.fields]).astype(np.int32)
        self._is_result = np.zeros(rows, np.bool_)
        self._is_result[[tag.row for one in sets for tag in one.twin.analytics]] = True

    def empty(self, readings: Readings, has_value: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        """Places of readings that tell a subscriber nothing: of Analytics that nothing works out, as nobody trained a
        model, and that never had a value. has_value: bool by row, as in the tag table."""
        idle = np.flatnonzero(readings.status == _IDLE)
        row = readings.row[idle]
        return idle[self._is_result[row] & ~has_value[row]]

    def field_names(self, row: npt.NDArray[np.int32], aspect: npt.NDArray[np.uint8]) -> list[str]:
        """The name of the field of each reading."""
        names: list[str] = self._names[row, aspect].tolist()
        return names

    def split(self, row: npt.NDArray[np.int32]) -> Iterator[tuple[DataSet, npt.NDArray[np.intp]]]:
        """Each DataSet that readings belong to, with their indices in order."""
        for of_row in self._of_group.values():
            number = of_row[row]
            index = np.flatnonzero(number >= 0)
            order = index[np.argsort(number[index], kind="stable")]
            ends = np.flatnonzero(np.diff(number[order])) + 1
            for part in np.split(order, ends):
                if len(part):
                    yield self.sets[number[part[0]]], part
