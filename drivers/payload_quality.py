"""What the quality in a message means: a boolean, a word or a number to a StatusCode."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from drivers.payload_fields import Unusable, shown
from drivers.status import Status


class QualityCode(StrEnum):
    """How a quality that is a number is meant. They contradict each other at 0: Good for OPC UA, Bad for OPC DA.

    auto: 0 is Bad, 1 is Good, up to 255 as OPC DA, above as OPC UA; never Good where one of them says Bad.
    """

    auto = "auto"
    opc_ua = "opc_ua"
    opc_da = "opc_da"


_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_QUALITY_WORDS: Final[dict[str, int]] = {
    **dict.fromkeys(("good", "ok", "valid", "true"), Status.Good),
    **dict.fromkeys(("bad", "invalid", "error", "fault", "false"), Status.Bad),
    **dict.fromkeys(("uncertain", "questionable"), Status.Uncertain),
    **{status.name.lower(): status for status in Status},
}
_OPC_DA: Final[dict[int, Status]] = {
    4: Status.BadConfigurationError,
    8: Status.BadNotConnected,
    12: Status.BadDeviceFailure,
    16: Status.BadSensorFailure,
    20: Status.BadNoCommunication,
    24: Status.BadCommunicationError,
    28: Status.BadOutOfService,
    32: Status.BadWaitingForInitialData,
    68: Status.UncertainLastUsableValue,
    80: Status.UncertainSensorNotAccurate,
    84: Status.UncertainEngineeringUnitsExceeded,
    88: Status.UncertainSubNormal,
    216: Status.GoodLocalOverride,
}
"""Sub-statuses of OPC DA 3.0, 6.8, without their limit bits."""


def to_status(raw: object, code: QualityCode) -> int:
    """The StatusCode of a quality: a boolean (true is Good), a word (good, ok, valid, bad, invalid, error, fault,
    uncertain, questionable, or a StatusCode's name) or a number as `code` says. Raises Unusable."""
    if isinstance(raw, bool):
        return Status.Good if raw else Status.Bad
    if isinstance(raw, str):
        word = raw.strip().lower()
        if word in _QUALITY_WORDS:
            return _QUALITY_WORDS[word]
        if len(word) <= 10 and _WHOLE.fullmatch(word):
            raw = int(word)
    if isinstance(raw, (int, float)) and 0 <= raw < 2**32 and raw == int(raw):
        return _status_of_number(int(raw), code)
    raise Unusable(Status.BadDecodingError, f"quality {shown(raw)} is not known")


def _status_of_number(number: int, code: QualityCode) -> int:
    if code is QualityCode.opc_ua or (code is QualityCode.auto and number > 255):
        return number
    if code is QualityCode.auto and number == 1:
        return Status.Good
    if number > 255 or 128 <= number < 192:
        raise Unusable(Status.BadDecodingError, f"quality {number} is none of OPC DA")
    general = Status.Good if number >= 192 else Status.Uncertain if number >= 64 else Status.Bad
    return _OPC_DA.get(number & ~3, general)
