"""Reading one attribute of one node for one user, with every check of Part 4, 5.10.2."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import NodeData

from server.security.roles import User
from server.services import index_range
from server.services.access import CURRENT_READ, user_access_level, user_executable
from server.services.wire import node_id, status_code

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_USER_ATTRIBUTES: Final = {
    ua.AttributeIds.UserAccessLevel: ua.AttributeIds.AccessLevel,
    ua.AttributeIds.UserExecutable: ua.AttributeIds.Executable,
    ua.AttributeIds.UserWriteMask: ua.AttributeIds.WriteMask,
}
_FOR_ADMINISTRATORS: Final = frozenset(
    {node_id(ua.ObjectIds.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionSecurityDiagnosticsArray)}
)
"""Who stands behind other sessions is nobody else's business (Part 5, 6.3.5)."""
_EU_RANGE: Final = ua.QualifiedName("EURange", 0)
_BINARY: Final = "Default Binary"
_OTHER_ENCODINGS: Final = ("Default XML", "Default JSON")


class AttributeReader:
    """Reads attributes out of the address space."""

    def __init__(self, server: UaServer) -> None:
        self._server = server

    def read(self, user: User, item: ua.ReadValueId, stamps: ua.TimestampsToReturn) -> ua.DataValue:
        """The attribute with the timestamps asked for; what is wrong is told by the StatusCode."""
        try:
            value = self._read(user, item)
        except ServiceError as error:
            return ua.DataValue(StatusCode=status_code(error.code))
        return with_stamps(value, item.AttributeId, stamps)

    def plain(self, node: NodeData, attribute: int) -> Any:
        """The Python value of an attribute, None where the node has none."""
        found = node.attributes.get(ua.AttributeIds(attribute))
        if found is None:
            return None
        value = found.value_callback(node.nodeid, ua.AttributeIds(attribute)) if found.value_callback else found.value
        return value.Value.Value if value is not None and value.Value is not None else None

    def value_of(self, node: NodeData) -> ua.Variant:
        """The Value attribute of a node; null where it has none."""
        found = node.attributes.get(ua.AttributeIds.Value)
        if found is None:
            return ua.Variant()
        value = found.value_callback(node.nodeid, ua.AttributeIds.Value) if found.value_callback else found.value
        return value.Value if value is not None and value.Value is not None else ua.Variant()

    def eu_range(self, of_node: ua.NodeId) -> tuple[float, float] | None:
        """Low and high of the node's EURange property, if it has one."""
        node = self._server.aspace.get(of_node)
        for reference in node.references if node is not None else ():
            if reference.IsForward and reference.BrowseName == _EU_RANGE:
                target = self._server.aspace.get(reference.NodeId)
                value = self.value_of(target).Value if target is not None else None
                return (value.Low, value.High) if isinstance(value, ua.Range) else None
        return None

    def _read(self, user: User, item: ua.ReadValueId) -> ua.DataValue:
        node = self._server.aspace.get(item.NodeId)
        if node is None:
            raise ServiceError(ua.StatusCodes.BadNodeIdUnknown)
        if not user.may_read:
            raise ServiceError(ua.StatusCodes.BadUserAccessDenied)
        value = self._attribute(user, node, item.AttributeId)
        if item.AttributeId == ua.AttributeIds.Value:
            self._check_readable(user, node)
        if item.DataEncoding is not None and item.DataEncoding.Name:
            _check_encoding(item.DataEncoding, item.AttributeId, value)
        if item.IndexRange and (value.StatusCode is None or not value.StatusCode.is_bad()):
            value = dataclasses.replace(value, Value=index_range.cut(value.Value or ua.Variant(), item.IndexRange))
        return value

    def _attribute(self, user: User, node: NodeData, attribute: int) -> ua.DataValue:
        base = _USER_ATTRIBUTES.get(attribute)  # type: ignore[call-overload]
        if base is not None:
            return self._user_attribute(user, node, attribute, base)
        try:
            found = node.attributes.get(ua.AttributeIds(attribute))
        except ValueError:
            found = None
        if found is None:
            raise ServiceError(ua.StatusCodes.BadAttributeIdInvalid)
        if found.value_callback is not None:
            return found.value_callback(node.nodeid, ua.AttributeIds(attribute))
        if found.value is None or _absent(attribute, found.value):
            raise ServiceError(ua.StatusCodes.BadAttributeIdInvalid)
        return found.value

    def _user_attribute(self, user: User, node: NodeData, attribute: int, base: int) -> ua.DataValue:
        value = self.plain(node, base)
        if value is None:
            raise ServiceError(ua.StatusCodes.BadAttributeIdInvalid)
        if attribute == ua.AttributeIds.UserAccessLevel:
            return ua.DataValue(ua.Variant(_level(user, node, int(value)), ua.VariantType.Byte))
        if attribute == ua.AttributeIds.UserExecutable:
            access = self._server.access_to(node.nodeid)
            return ua.DataValue(ua.Variant(user_executable(user, bool(value), access), ua.VariantType.Boolean))
        return ua.DataValue(ua.Variant(0, ua.VariantType.UInt32))

    def _check_readable(self, user: User, node: NodeData) -> None:
        level = self.plain(node, ua.AttributeIds.AccessLevel)
        if level is None:
            return
        if not int(level) & CURRENT_READ:
            raise ServiceError(ua.StatusCodes.BadNotReadable)
        if not _level(user, node, int(level)) & CURRENT_READ:
            raise ServiceError(ua.StatusCodes.BadUserAccessDenied)


def _level(user: User, node: NodeData, access_level: int) -> int:
    if node.nodeid in _FOR_ADMINISTRATORS and not user.may_administer:
        return 0
    return user_access_level(user, access_level)


def with_stamps(value: ua.DataValue, attribute: int, stamps: ua.TimestampsToReturn) -> ua.DataValue:
    """The value with just the timestamps asked for: source timestamps belong to Value attributes, server timestamps
    are of now where the node has none."""
    wanted = ua.TimestampsToReturn
    is_value = attribute == ua.AttributeIds.Value
    source = value.SourceTimestamp if is_value and stamps in (wanted.Source, wanted.Both) else None
    server: Any = None
    if stamps in (wanted.Server, wanted.Both):
        server = (value.ServerTimestamp if is_value else None) or datetime.now(UTC)
    if source is None and is_value and stamps in (wanted.Source, wanted.Both):
        source = value.ServerTimestamp
    status = value.StatusCode
    bad = status is not None and status.is_bad()
    return ua.DataValue(
        Value=None if bad else value.Value,
        StatusCode=None if status is None or status.value == 0 else status,
        SourceTimestamp=source,
        ServerTimestamp=server,
    )


def _absent(attribute: int, value: ua.DataValue) -> bool:
    """asyncua keeps attributes that a node does not have as null values."""
    if attribute == ua.AttributeIds.Value or value.Value is None:
        return False
    optional = (ua.AttributeIds.DataTypeDefinition, ua.AttributeIds.InverseName, ua.AttributeIds.ArrayDimensions)
    return attribute in optional and value.Value.Value is None


def _check_encoding(encoding: ua.QualifiedName, attribute: int, value: ua.DataValue) -> None:
    is_structure = value.Value is not None and value.Value.VariantType == ua.VariantType.ExtensionObject
    if attribute != ua.AttributeIds.Value or not is_structure:
        raise ServiceError(ua.StatusCodes.BadDataEncodingInvalid)
    if encoding.NamespaceIndex == 0 and encoding.Name == _BINARY:
        return
    known = encoding.NamespaceIndex == 0 and encoding.Name in _OTHER_ENCODINGS
    raise ServiceError(ua.StatusCodes.BadDataEncodingUnsupported if known else ua.StatusCodes.BadDataEncodingInvalid)
