"""Writing one attribute of one node for one user, with every check of Part 4, 5.10.4."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import NodeData
from asyncua.ua.uatypes import datetime_to_win_epoch

from drivers.data_types import DataType
from server.security.roles import User
from server.services import index_range
from server.services.access import CURRENT_WRITE, user_access_level
from server.services.data_types import DataTypes

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_SCALAR: Final = -1
_ANY: Final = -2
_SCALAR_OR_ONE_DIMENSION: Final = -3
_ONE_OR_MORE_DIMENSIONS: Final = 0


class AttributeWriter:
    """Writes to the address space, and to tags through the commands."""

    def __init__(self, server: UaServer) -> None:
        self._server = server
        self._types = DataTypes(server)

    async def write(self, user: User, item: ua.WriteValue) -> tuple[int, str]:
        """The StatusCode of one write, and what is known beyond it in words; waits for the device where the node is a
        command."""
        try:
            node = self._server.aspace.get(item.NodeId)
            if node is None:
                return ua.StatusCodes.BadNodeIdUnknown, ""
            self._check_access(user, node, item.AttributeId)
            self._check_value(item.Value)
            row = self._server.row_of(item.NodeId)
            return await self._command(user, row, item) if row >= 0 else (await self._write(node, item), "")
        except ServiceError as error:
            return error.code, ""

    async def _write(self, node: NodeData, item: ua.WriteValue) -> int:
        value = item.Value
        if item.IndexRange:
            old = self._server.attributes.value_of(node)
            value = dataclasses.replace(value, Value=index_range.splice(old, item.IndexRange, value.Value))
        self._check_type(node, value.Value)
        now = datetime.now(UTC)
        value = dataclasses.replace(value, SourceTimestamp=value.SourceTimestamp or now, ServerTimestamp=now)
        status = await self._server.aspace.write_attribute_value(item.NodeId, ua.AttributeIds.Value, value)
        return int(status.value)

    def _check_value(self, value: ua.DataValue) -> None:
        if value.Value is None:
            raise ServiceError(ua.StatusCodes.BadTypeMismatch)
        status = value.StatusCode is not None and value.StatusCode.value != 0
        if status or value.ServerTimestamp is not None or value.ServerPicoseconds is not None:
            raise ServiceError(ua.StatusCodes.BadWriteNotSupported)
        if self._too_long(value.Value.Value):
            raise ServiceError(ua.StatusCodes.BadEncodingLimitsExceeded)

    def _too_long(self, value: Any) -> bool:
        """Beyond MaxArrayLength, MaxStringLength or MaxByteStringLength (Part 5, 6.3.2)."""
        limits = self._server.limits
        if isinstance(value, list):
            return len(value) > limits.max_array_length or any(map(self._too_long, value))
        return isinstance(value, str | bytes) and len(value) > limits.max_string_length

    def _check_access(self, user: User, node: NodeData, attribute: int) -> None:
        try:
            known = ua.AttributeIds(attribute) in node.attributes
        except ValueError:
            known = False
        if not known:
            raise ServiceError(ua.StatusCodes.BadAttributeIdInvalid)
        if attribute != ua.AttributeIds.Value:
            raise ServiceError(ua.StatusCodes.BadNotWritable)
        level = int(self._server.attributes.plain(node, ua.AttributeIds.AccessLevel) or 0)
        if not level & CURRENT_WRITE:
            raise ServiceError(ua.StatusCodes.BadNotWritable)
        if not user_access_level(user, level) & CURRENT_WRITE:
            raise ServiceError(ua.StatusCodes.BadUserAccessDenied)

    async def _command(self, user: User, row: int, item: ua.WriteValue) -> tuple[int, str]:
        table = self._server.table
        if item.IndexRange:
            index_range.parse(item.IndexRange)
            return ua.StatusCodes.BadWriteNotSupported, "a command is written whole, without an IndexRange"
        data_type, length = DataType(int(table.data_type[row])), int(table.array_length[row])
        variant = item.Value.Value
        is_array = variant.is_array or isinstance(variant.Value, list | tuple)
        if int(variant.VariantType.value) != data_type or is_array != bool(length):
            wanted, given = _kind(data_type.name, bool(length)), _kind(variant.VariantType.name, is_array)
            return ua.StatusCodes.BadTypeMismatch, f"it takes {wanted}, not {given}"
        value = command_value(data_type, variant.Value)
        if isinstance(value, float) and not math.isfinite(value):
            return ua.StatusCodes.BadOutOfRange, f"{value} is no number that a device could take"
        status, words = await self._server.commands.order(row, value, user)
        return int(status), words

    def _check_type(self, node: NodeData, variant: ua.Variant) -> None:
        attributes = self._server.attributes
        data_type = attributes.plain(node, ua.AttributeIds.DataType)
        if data_type is not None and not self._types.accepts(data_type, variant):
            raise ServiceError(ua.StatusCodes.BadTypeMismatch)
        rank = attributes.plain(node, ua.AttributeIds.ValueRank)
        if rank is not None and not rank_fits(int(rank), variant):
            raise ServiceError(ua.StatusCodes.BadTypeMismatch)


def _kind(name: str, is_array: bool) -> str:
    return f"an array of {name}" if is_array else f"a single {name}"


def command_value(data_type: DataType, value: Any) -> Any:
    """A Variant's value as the commands take it: DateTimes in ticks, everything else as it is."""
    if data_type is not DataType.DateTime:
        return value
    return [datetime_to_win_epoch(one) for one in value] if isinstance(value, list) else datetime_to_win_epoch(value)


def rank_fits(rank: int, variant: ua.Variant) -> bool:
    """Part 3, 8.56: ValueRank against what is being written."""
    is_array = variant.is_array or isinstance(variant.Value, list | tuple)
    dimensions = len(variant.Dimensions) if variant.Dimensions else int(is_array)
    if rank == _ANY or (variant.VariantType == ua.VariantType.ByteString and not is_array and rank == 1):
        return True
    if rank == _SCALAR:
        return not is_array
    if rank == _SCALAR_OR_ONE_DIMENSION:
        return dimensions <= 1
    return dimensions >= 1 if rank == _ONE_OR_MORE_DIMENSIONS else dimensions == rank
