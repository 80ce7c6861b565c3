"""RegisterNodes (Part 4, 5.8.5): short NodeIds for tags, from which a batch of reads finds its rows at once."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from asyncua import ua

BASE: Final = 0x4000_0000
"""Handles are numeric NodeIds of the server's own namespace, BASE + row: always in the 7-byte encoding."""


class RegisteredNodes:
    """The tags one session has registered, counted, for it may register one twice."""

    def __init__(self, rows: int, namespace: int) -> None:
        self.namespace = namespace
        self._names: dict[int, ua.NodeId] = {}
        self._count = np.zeros(rows, np.uint16)

    def add(self, row: int, node_id: ua.NodeId) -> ua.NodeId:
        """The handle of a tag and its NodeId."""
        self._names[row] = node_id
        if row >= len(self._count):  # the table has grown since
            self._count = np.pad(self._count, (0, row + 1 - len(self._count)))
        if self._count[row] < 0xFFFF:
            self._count[row] += 1
        return ua.NodeId(ua.Int32(BASE + row), ua.Int16(self.namespace), ua.NodeIdType.Numeric)

    def remove(self, node_id: ua.NodeId) -> None:
        """Give a handle back; what is no handle is ignored."""
        row = row_of(node_id, self.namespace)
        if 0 <= row < len(self._count) and self._count[row]:
            self._count[row] -= 1

    @property
    def held(self) -> npt.NDArray[np.int32]:
        """The rows whose handles the session holds."""
        return np.flatnonzero(self._count).astype(np.int32)

    def resolve(self, node_id: ua.NodeId) -> ua.NodeId:
        """The NodeId behind a registered handle; any other as it is."""
        row = row_of(node_id, self.namespace)
        return self._names[row] if self.has(row) else node_id

    def has(self, row: int) -> bool:
        """Whether the session holds this row's handle."""
        return 0 <= row < len(self._count) and bool(self._count[row])

    def rows(self, identifiers: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32] | None:
        """The rows of handle identifiers, or None when any is not registered."""
        rows = identifiers.astype(np.int64) - BASE
        if len(rows) == 0 or int(rows.min()) < 0 or int(rows.max()) >= len(self._count):
            return None
        return rows.astype(np.int32) if self._count[rows].all() else None


def row_of(node_id: ua.NodeId, namespace: int) -> int:
    """The row a handle stands for, -1 when it is no handle."""
    identifier = node_id.Identifier
    if node_id.NamespaceIndex == namespace and isinstance(identifier, int) and identifier >= BASE:
        return identifier - BASE
    return -1
