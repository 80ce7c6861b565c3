"""What a client may ask of a monitored item: intervals, queues and data change filters, checked and revised."""

from __future__ import annotations

import math
from functools import cache
from typing import Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.ua.uaprotocol_auto import DataChangeFilter

from drivers.data_types import DataType
from server.services import sampling

SLOWEST_S: Final = 24 * 3600.0
_GRID: Final = ((0.1, 0.01), (1.0, 0.05), (10.0, 0.5), (60.0, 5.0), (math.inf, 60.0))
NUMERIC: Final = frozenset(
    int(kind) for kind in DataType if kind not in (DataType.String, DataType.ByteString, DataType.Boolean)
)


@cache
def revised_interval_s(requested_ms: float, publishing_s: float, fastest_s: float) -> float:
    """The sampling interval in seconds: -1 is the publishing interval, 0 the fastest we offer (Part 4, 7.21), anything
    else goes to the next slower step of a grid, so that many items share few timers."""
    if not math.isfinite(requested_ms) or requested_ms < 0:
        return publishing_s
    wanted = min(max(requested_ms / 1000, fastest_s), SLOWEST_S)
    step = next(step for limit, step in _GRID if wanted < limit or limit == math.inf)
    return float(round(math.ceil(wanted / step - 1e-9) * step, 6))


def revised_queue_size(requested: int, longest: int) -> int:
    """0 and 1 are a buffer of the newest value (Part 4, 7.21)."""
    return min(max(requested, 1), longest)


def revised_event_queue(requested: int, longest: int) -> int:
    """0 is the server's default for events: as many as it can (Part 4, 7.21)."""
    return min(requested or longest, longest)


def data_filter(
    asked: object, attribute: int, data_type: int | None, eu_range: tuple[float, float] | None
) -> tuple[int, float]:
    """The trigger and the absolute deadband of a DataChangeFilter (Part 4, 7.22.2; Part 8, 6.2).

    data_type: built-in type id of the value, None where it is not known. Raises ServiceError with the item's status.
    """
    if asked is None or (isinstance(asked, ua.ExtensionObject) and asked.Body is None):
        return sampling.ON_STATUS_VALUE, 0.0
    if isinstance(asked, ua.EventFilter | ua.AggregateFilter) and attribute == ua.AttributeIds.Value:
        event = isinstance(asked, ua.EventFilter)
        codes = ua.StatusCodes
        raise ServiceError(codes.BadFilterNotAllowed if event else codes.BadMonitoredItemFilterUnsupported)
    if not isinstance(asked, DataChangeFilter):  # ua.DataChangeFilter is a subclass that nothing is decoded to
        raise ServiceError(ua.StatusCodes.BadMonitoredItemFilterInvalid)
    if attribute != ua.AttributeIds.Value:
        raise ServiceError(ua.StatusCodes.BadFilterNotAllowed)
    return change_filter(asked.Trigger, asked.DeadbandType, asked.DeadbandValue, data_type, eu_range)


def change_filter(
    trigger: int, kind: int, value: float, data_type: int | None, eu_range: tuple[float, float] | None
) -> tuple[int, float]:
    """The same for the parts of a DataChangeFilter; kind: the DeadbandType."""
    if trigger not in (0, 1, 2):
        raise ServiceError(ua.StatusCodes.BadMonitoredItemFilterInvalid)
    return int(trigger), _deadband(kind, value, data_type, eu_range)


def _deadband(kind: int, value: float, data_type: int | None, eu_range: tuple[float, float] | None) -> float:
    if kind == ua.DeadbandType.None_:
        return 0.0
    if kind not in (ua.DeadbandType.Absolute, ua.DeadbandType.Percent):
        raise ServiceError(ua.StatusCodes.BadDeadbandFilterInvalid)
    if not math.isfinite(value) or value < 0:
        raise ServiceError(ua.StatusCodes.BadDeadbandFilterInvalid)
    if data_type is not None and data_type not in NUMERIC:
        raise ServiceError(ua.StatusCodes.BadFilterNotAllowed)
    if kind == ua.DeadbandType.Absolute:
        return float(value)
    if value > 100:
        raise ServiceError(ua.StatusCodes.BadDeadbandFilterInvalid)
    if eu_range is None:
        raise ServiceError(ua.StatusCodes.BadFilterNotAllowed)
    return float(value) / 100 * (eu_range[1] - eu_range[0])
