"""A client that reads and changes the past, and tells what it got as plain Python values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from asyncua import Client, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from asyncua.ua.uatypes import datetime_to_win_epoch

from drivers.readings import Readings
from drivers.status import Status
from tests.services.conftest import Served

FIVE = datetime(2026, 1, 5, 5, tzinfo=UTC)
NEVER = datetime(1601, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    """5:02 or 5:02:30 on the day of the tests."""
    hours, minutes, seconds = (*map(int, text.split(":")), 0)[:3]
    return FIVE.replace(hour=hours, minute=minutes, second=seconds)


def ticks(moment: datetime) -> int:
    return datetime_to_win_epoch(moment)


def commit(served: Served, path: str, values: Sequence[tuple[str, float, int]], dtype: str = "<f8") -> None:
    """Commit cells as a driver would: (time, value, StatusCode)."""
    count = len(values)
    cells = np.array([value for _, value, _ in values], dtype).view("<u8")
    status = np.array([status for _, _, status in values], np.uint32)
    times = np.array([ticks(at(time)) for time, _, _ in values])
    served.table.commit(Readings(np.full(count, served.row(path), np.int32), cells, status, times))


@dataclass
class Got:
    """What one node answered. values: (time, value, StatusCode's name or info)."""

    status: str
    point: bytes | None
    data: Any

    @property
    def values(self) -> list[tuple[str, Any, int]]:
        return [
            (f"{one.SourceTimestamp:%-H:%M:%S}".removesuffix(":00"), _plain(one), one.StatusCode.value)
            for one in self.data.DataValues
        ]

    @property
    def times(self) -> list[str]:
        return [time for time, _, _ in self.values]


def _plain(one: ua.DataValue) -> Any:
    return one.Value.Value if one.Value is not None else None


@dataclass
class Past:
    """A client of the past; `stamps` go with every request."""

    served: Served
    client: Client
    stamps: ua.TimestampsToReturn = ua.TimestampsToReturn.Both

    async def read(
        self, details: Any, paths: Sequence[str | ua.NodeId], points: Sequence[bytes | None] = (), **more: Any
    ) -> list[Got]:
        """One HistoryRead; more: fields of every HistoryReadValueId, release of the request."""
        release = more.pop("release", False)
        nodes = [path if isinstance(path, ua.NodeId) else self.served.node_id(path) for path in paths]
        points = points or [None] * len(nodes)
        request = ua.HistoryReadParameters(details, self.stamps, release)
        request.NodesToRead = [
            ua.HistoryReadValueId(NodeId=node, ContinuationPoint=point, **more)
            for node, point in zip(nodes, points, strict=True)
        ]
        return [_got(result) for result in await self.client.uaclient.history_read(request)]

    async def raw(
        self, path: str, start: str = "", end: str = "", most: int = 0, bounds: bool = False, **more: Any
    ) -> Got:
        """ReadRaw, or ReadModified with modified=True; "" for a time that is not given."""
        times = [at(time) if time else NEVER for time in (start, end)]
        modified = more.pop("modified", False)
        point = more.pop("point", None)
        details = ua.ReadRawModifiedDetails(modified, *times, most, bounds)
        return (await self.read(details, [path], [point], **more))[0]

    async def pages(self, path: str, start: str = "", end: str = "", most: int = 0, **more: Any) -> list[list[str]]:
        """The times of every page up to the end."""
        found, point = [], None
        while True:
            got = await self.raw(path, start, end, most, point=point, **more)
            found.append(got.times)
            point = got.point
            if point is None:
                return found

    async def at_time(self, path: str, *times: str, simple: bool = True) -> Got:
        """ReadAtTime."""
        return (await self.read(ua.ReadAtTimeDetails([at(time) for time in times], simple), [path]))[0]

    async def processed(
        self, path: str, aggregate: int, start: str, end: str, seconds: float = 0.0, config: Any = None
    ) -> Got:
        """ReadProcessed of one aggregate."""
        wanted = config or ua.AggregateConfiguration(True)
        kinds = [ua.NodeId(aggregate)]
        times = [at(time) if time else NEVER for time in (start, end)]
        details = ua.ReadProcessedDetails(*times, seconds * 1000, kinds, wanted)
        return (await self.read(details, [path]))[0]

    async def update(self, details: Any) -> ua.HistoryUpdateResult:
        """One HistoryUpdate."""
        request = ua.HistoryUpdateRequest()
        request.Parameters.HistoryUpdateDetails = [details]
        data = await self.client.uaclient.protocol.send_request(request)
        return struct_from_binary(ua.HistoryUpdateResponse, data).Results[0]

    async def write(self, path: str, perform: ua.PerformUpdateType, *values: tuple[str, Any]) -> list[str]:
        """Insert, replace or update Doubles or Variants; the names of their StatusCodes."""
        told = [ua.DataValue(_variant(value), SourceTimestamp=at(time)) for time, value in values]
        result = await self.update(ua.UpdateDataDetails(self.served.node_id(path), perform, told))
        assert result.StatusCode.is_good(), result
        return [name(code) for code in result.OperationResults]

    async def delete(self, path: str, start: str, end: str, modified: bool = False) -> str:
        """Delete the values of a time range."""
        node = self.served.node_id(path)
        details = ua.DeleteRawModifiedDetails(node, modified, at(start), at(end))
        return name((await self.update(details)).StatusCode)


def _variant(value: Any) -> ua.Variant:
    return value if isinstance(value, ua.Variant) else ua.Variant(float(value), ua.VariantType.Double)


def name(code: ua.StatusCode) -> str:
    """Of a StatusCode without its info bits."""
    return ua.StatusCode(code.value & 0xFFFF0000).name


def _got(result: ua.HistoryReadResult) -> Got:
    data = result.HistoryData
    if isinstance(data, ua.ExtensionObject) and data.Body:
        data = struct_from_binary(ua.extension_objects_by_typeid[data.TypeId], Buffer(data.Body))
    return Got(name(result.StatusCode), result.ContinuationPoint or None, data)


def step(start: datetime, seconds: float) -> datetime:
    """So much later."""
    return start + timedelta(seconds=seconds)


GOOD, BAD, UNCERTAIN = int(Status.Good), int(Status.BadNoCommunication), int(Status.UncertainSensorNotAccurate)
