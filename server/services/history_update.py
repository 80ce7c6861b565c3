"""HistoryUpdate: engineers insert, replace and delete values of the past; every attempt is audited (Part 11, 6.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from asyncua import ua
from asyncua.common.utils import ServiceError

from drivers.data_types import DataType, has_cell, to_cells
from drivers.readings import now_ticks
from drivers.status import is_bad
from server.history.store import Samples, UpdateKind
from server.services.access import HISTORY_WRITE
from server.services.data_values import SOURCE
from server.services.history_access import kept_row
from server.services.history_audit import MOST_VALUES, HistoryAudit, first_good
from server.services.history_encoding import empty, pick
from server.services.history_lookup import values_at
from server.services.history_raw import Target
from server.services.history_request import (
    DeleteRange,
    DeleteTimes,
    HistoricalValue,
    OtherUpdate,
    UpdateData,
    UpdateDetails,
)
from server.services.wire import status_code
from server.services.write import command_value

if TYPE_CHECKING:
    from server.services.session import Session
    from server.services.ua_server import UaServer

_KINDS: Final = {1: UpdateKind.insert, 2: UpdateKind.replace, 3: UpdateKind.update}
"""PerformUpdateType; its Remove is for structured data only (Part 11, 6.9.3)."""


class HistoryUpdates:
    """The updates of one request. entry_id: the AuditEntryId of its RequestHeader."""

    def __init__(self, server: UaServer, session: Session, entry_id: str) -> None:
        self._server, self._session = server, session
        self._audit = HistoryAudit(server, session, entry_id)

    async def apply(self, details: UpdateDetails) -> ua.HistoryUpdateResult:
        """Raises ServiceError with the StatusCode of the operation, and StoreError."""
        node = self._session.resolve(details.node)
        if isinstance(details, OtherUpdate):
            raise ServiceError(self._refusal(details, node))
        if isinstance(details, UpdateData):
            return await self._update(node, details)
        if isinstance(details, DeleteRange):
            return await self._delete_range(node, details)
        return await self._delete_times(node, details)

    def _refusal(self, details: OtherUpdate, node: ua.NodeId) -> int:
        """Events and structures of the past cannot be changed: they are records."""
        if not details.known:
            return int(ua.StatusCodes.BadHistoryOperationInvalid)
        known = node in self._server.aspace
        return int(ua.StatusCodes.BadHistoryOperationUnsupported if known else ua.StatusCodes.BadNodeIdUnknown)

    async def _update(self, node: ua.NodeId, details: UpdateData) -> ua.HistoryUpdateResult:
        data_type = 0
        try:
            of = self._target(node, len(details.values))
            data_type = of.data_type
            kind = _KINDS.get(details.perform)
            if kind is None:
                raise ServiceError(ua.StatusCodes.BadHistoryOperationInvalid)
        except ServiceError as error:
            self._audit.updated(details, data_type, empty(data_type), error.code)
            raise
        is_array = bool(self._server.table.array_length[of.row])
        statuses = [_check(one, DataType(data_type), is_array) for one in details.values]
        places = [place for place, status in enumerate(statuses) if not status]
        places.sort(key=lambda place: details.values[place].source)
        old = await values_at(of, [details.values[place].source for place in places[:MOST_VALUES]])
        if places:
            values = _samples([details.values[place] for place in places], DataType(data_type))
            user = self._session.user.name
            for place, status in zip(places, await of.history.update(of.row, values, kind, user), strict=True):
                statuses[place] = int(status)
        self._audit.updated(details, data_type, old, first_good(statuses))
        return _result(ua.StatusCodes.Good, statuses)

    async def _delete_range(self, node: ua.NodeId, details: DeleteRange) -> ua.HistoryUpdateResult:
        try:
            of = self._target(node, 1)
            if details.modified:
                raise ServiceError(ua.StatusCodes.BadHistoryOperationUnsupported)
            if details.start <= 0 or details.end < details.start:
                raise ServiceError(ua.StatusCodes.BadInvalidTimestampArgument)
        except ServiceError as error:
            self._audit.deleted_range(details, empty(0), 0, error.code)
            raise
        end = details.end + (details.start == details.end)
        old = await of.history.read(of.row, details.start, end - 1, MOST_VALUES)
        count = await of.history.delete(of.row, details.start, end, self._session.user.name)
        status = ua.StatusCodes.Good if count else ua.StatusCodes.BadNoData
        self._audit.deleted_range(details, old, count, status)
        return _result(status, ())

    async def _delete_times(self, node: ua.NodeId, details: DeleteTimes) -> ua.HistoryUpdateResult:
        try:
            of = self._target(node, len(details.times))
        except ServiceError as error:
            self._audit.deleted_times(details, empty(0), error.code)
            raise
        found = await values_at(of, details.times)
        present = set(found.source_ticks.tolist())
        statuses: list[int] = []
        for time in details.times:
            if time in present:
                await of.history.delete(of.row, time, time + 1, self._session.user.name)
            statuses.append(int(ua.StatusCodes.Good if time in present else ua.StatusCodes.BadNoEntryExists))
            present.discard(time)
        old = pick(found, np.arange(min(len(found), MOST_VALUES)))
        self._audit.deleted_times(details, old, first_good(statuses))
        return _result(ua.StatusCodes.Good, statuses)

    def _target(self, node: ua.NodeId, values: int) -> Target:
        row = kept_row(self._server, self._session.user, node, HISTORY_WRITE)
        if not values:
            raise ServiceError(ua.StatusCodes.BadNothingToDo)
        if values > self._server.limits.max_history_values:
            raise ServiceError(ua.StatusCodes.BadTooManyOperations)
        assert self._server.history is not None
        data_type = int(self._server.table.data_type[row])
        return Target(self._server.history, row, data_type, SOURCE, None, MOST_VALUES)


def _check(one: HistoricalValue, data_type: DataType, is_array: bool) -> int:
    """What is wrong with a value before the store sees it, 0 for nothing."""
    if one.source <= 0:
        return int(ua.StatusCodes.BadInvalidTimestamp)
    variant = one.value
    if variant.Value is None:
        return 0 if is_bad(one.status) else int(ua.StatusCodes.BadTypeMismatch)
    same = int(variant.VariantType.value) == data_type
    return 0 if same and isinstance(variant.Value, list) == is_array else int(ua.StatusCodes.BadTypeMismatch)


def _samples(values: Sequence[HistoricalValue], data_type: DataType) -> Samples:
    now = now_ticks()
    cells = np.zeros(len(values), np.uint64)
    side: dict[int, object] = {}
    for index, one in enumerate(values):
        if one.value.Value is None or is_bad(one.status):
            continue
        value: Any = command_value(data_type, one.value.Value)
        if has_cell(data_type) and not isinstance(value, list):
            cells[index] = to_cells([value], data_type)[0]
        else:
            side[index] = value
    return Samples(
        int(data_type),
        np.array([one.source for one in values], np.int64),
        np.array([one.server or now for one in values], np.int64),
        cells,
        np.array([one.status for one in values], np.uint32),
        side,
    )


def _result(status: int, statuses: Sequence[int]) -> ua.HistoryUpdateResult:
    return ua.HistoryUpdateResult(status_code(status), [status_code(one) for one in statuses])
