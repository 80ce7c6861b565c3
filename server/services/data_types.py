"""Which built-in type stands behind a DataType node, and which values it takes (Part 3, 5.8; Part 6, 5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asyncua import ua

if TYPE_CHECKING:
    from server.services.ua_server import UaServer

_LAST_BUILT_IN: Final = 25
_ABSTRACT: Final = {
    ua.ObjectIds.Number: range(2, 12),
    ua.ObjectIds.Integer: (2, 4, 6, 8),
    ua.ObjectIds.UInteger: (3, 5, 7, 9),
    ua.ObjectIds.BaseDataType: range(1, 26),
}
_BASE_DATA_TYPE: Final = 24
_ENUMERATION: Final = 29
_STRUCTURE: Final = 22
_INT32: Final = 6


class DataTypes:
    """Looks DataTypes up in the address space."""

    def __init__(self, server: UaServer) -> None:
        self._server = server

    def accepts(self, data_type: ua.NodeId, variant: ua.Variant) -> bool:
        """Whether a value of this Variant's built-in type may be written where data_type is declared."""
        kind = int(variant.VariantType.value)
        if kind == 0:
            return False
        declared = self._built_in(data_type)
        if declared is None or declared == _BASE_DATA_TYPE:
            return True
        if declared in _ABSTRACT:
            return kind in _ABSTRACT[declared]
        if declared == _ENUMERATION:
            return kind == _INT32
        is_bytes = kind == ua.VariantType.ByteString.value and declared == ua.VariantType.Byte.value
        return kind == declared or is_bytes

    def _built_in(self, data_type: ua.NodeId) -> int | None:
        """The first known type on the way up from data_type; None when the way leads nowhere."""
        current: Any = data_type
        for _ in range(32):
            if current.NamespaceIndex == 0 and isinstance(current.Identifier, int):
                identifier = int(current.Identifier)
                if identifier <= _LAST_BUILT_IN or identifier in _ABSTRACT or identifier == _ENUMERATION:
                    return identifier
            current = self._supertype(current)
            if current is None:
                return None
        return None

    def _supertype(self, data_type: ua.NodeId) -> ua.NodeId | None:
        node = self._server.aspace.get(data_type)
        if node is None:
            return None
        for reference in node.references:
            if not reference.IsForward and reference.ReferenceTypeId.Identifier == ua.ObjectIds.HasSubtype:
                above: ua.NodeId = reference.NodeId
                return above
        return None
