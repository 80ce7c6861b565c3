"""The OPC UA StatusCodes that uatwin uses, by their standard names (Part 4, 7.39; Part 6, Annex A; Part 8)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """StatusCodes; the two top bits are the severity: 0 Good, 1 Uncertain, 2 Bad."""

    Good = 0x00000000
    Uncertain = 0x40000000
    Bad = 0x80000000
    GoodClamped = 0x00300000
    GoodNoData = 0x00A50000
    GoodLocalOverride = 0x00960000
    UncertainNoCommunicationLastUsableValue = 0x408F0000
    UncertainLastUsableValue = 0x40900000
    UncertainInitialValue = 0x40920000
    UncertainSensorNotAccurate = 0x40930000
    UncertainEngineeringUnitsExceeded = 0x40940000
    UncertainSubNormal = 0x40950000
    UncertainDataSubNormal = 0x40A40000
    BadUnexpectedError = 0x80010000
    BadInternalError = 0x80020000
    BadCommunicationError = 0x80050000
    BadDecodingError = 0x80070000
    BadTimeout = 0x800A0000
    BadServerNotConnected = 0x800D0000
    BadUserAccessDenied = 0x801F0000
    BadNoCommunication = 0x80310000
    BadWaitingForInitialData = 0x80320000
    BadNodeIdUnknown = 0x80340000
    BadNotReadable = 0x803A0000
    BadNotWritable = 0x803B0000
    BadOutOfRange = 0x803C0000
    BadNotSupported = 0x803D0000
    BadTypeMismatch = 0x80740000
    BadConfigurationError = 0x80890000
    BadNotConnected = 0x808A0000
    BadDeviceFailure = 0x808B0000
    BadSensorFailure = 0x808C0000
    BadOutOfService = 0x808D0000
    BadInvalidArgument = 0x80AB0000
    BadInvalidState = 0x80AF0000
    BadOutOfMemory = 0x80030000
    BadResourceUnavailable = 0x80040000
    BadTooManyOperations = 0x80100000
    BadRequestCancelledByClient = 0x802C0000
    BadDataLost = 0x809D0000
    BadDataUnavailable = 0x809E0000
    BadNoData = 0x809B0000


SEVERITY_MASK: Final = 0xC0000000


def is_good(status: int) -> bool:
    """Severity Good."""
    return status & SEVERITY_MASK == 0


def is_bad(status: int) -> bool:
    """Severity Bad."""
    return bool(status & 0x80000000)


def name(status: int) -> str:
    """The standard's name of a StatusCode without its info bits, e.g. "BadTimeout"; hexadecimal where unknown."""
    code = status & 0xFFFF0000
    try:
        return Status(code).name
    except ValueError:
        return f"0x{status:08X}"
