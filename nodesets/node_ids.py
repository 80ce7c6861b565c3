"""Namespace and numeric NodeIds of the uatwin types. A number once given never changes."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

TYPES_URI: Final = "urn:uatwin:types"


class TypeIds(IntEnum):
    """NodeIds of the types in the namespace `urn:uatwin:types`."""

    TwinType = 1001
    ComponentTwinType = 1002
    AssetTwinType = 1003
    SystemTwinType = 1004
    ProcessTwinType = 1005
    IdentificationType = 1006
    ConnectionType = 1007
    ModelType = 1008
    JobType = 1009
    JobTransitionEventType = 1010
