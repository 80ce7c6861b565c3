"""CoAP's numbers in OPC UA's words: response codes to StatusCodes, Content-Formats to payload formats."""

from __future__ import annotations

from typing import Final

from drivers.payload import PayloadFormat
from drivers.status import Status

_SHARED: Final[dict[int, Status]] = {
    0x80: Status.BadInvalidArgument,  # 4.00 Bad Request
    0x81: Status.BadUserAccessDenied,  # 4.01 Unauthorized
    0x82: Status.BadNotSupported,  # 4.02 Bad Option
    0x83: Status.BadUserAccessDenied,  # 4.03 Forbidden
    0x84: Status.BadConfigurationError,  # 4.04 Not Found
    0x86: Status.BadNotSupported,  # 4.06 Not Acceptable
    0x88: Status.BadCommunicationError,  # 4.08 Request Entity Incomplete
    0x89: Status.BadInvalidState,  # 4.09 Conflict
    0x8C: Status.BadInvalidState,  # 4.12 Precondition Failed
    0x8D: Status.BadOutOfRange,  # 4.13 Request Entity Too Large
    0x8F: Status.BadNotSupported,  # 4.15 Unsupported Content-Format
    0x96: Status.BadOutOfRange,  # 4.22 Unprocessable Entity
    0x9D: Status.BadTooManyOperations,  # 4.29 Too Many Requests
    0xA0: Status.BadDeviceFailure,  # 5.00 Internal Server Error
    0xA1: Status.BadNotSupported,  # 5.01 Not Implemented
    0xA2: Status.BadNoCommunication,  # 5.02 Bad Gateway
    0xA3: Status.BadResourceUnavailable,  # 5.03 Service Unavailable
    0xA4: Status.BadTimeout,  # 5.04 Gateway Timeout
    0xA5: Status.BadConfigurationError,  # 5.05 Proxying Not Supported
}
_READ: Final = _SHARED | {0x80: Status.BadConfigurationError, 0x85: Status.BadNotReadable}
_WRITE: Final = _SHARED | {0x85: Status.BadNotWritable}
_CLIENT_ERROR: Final = 4

_FORMATS: Final[dict[int, PayloadFormat]] = {
    0: PayloadFormat.text,
    42: PayloadFormat.raw,
    50: PayloadFormat.json,
    60: PayloadFormat.cbor,
    110: PayloadFormat.senml_json,
    112: PayloadFormat.senml_cbor,
    432: PayloadFormat.json,
    10000: PayloadFormat.cbor,
}
_NUMBERS: Final[dict[PayloadFormat, int]] = {
    PayloadFormat.text: 0,
    PayloadFormat.raw: 42,
    PayloadFormat.json: 50,
    PayloadFormat.cbor: 60,
    PayloadFormat.senml_json: 110,
    PayloadFormat.senml_cbor: 112,
}


def dotted(code: int) -> str:
    """A code as people write it: 0x84 is "4.04"."""
    return f"{code >> 5}.{code & 0x1F:02d}"


def is_success(code: int) -> bool:
    """Class 2."""
    return code >> 5 == 2


def read_status(code: int) -> Status:
    """What an unsuccessful answer to a GET means for the tag."""
    return _READ.get(code) or _of_class(code)


def write_status(code: int) -> Status:
    """What an unsuccessful answer to a PUT or POST means for the one who wrote."""
    return _WRITE.get(code) or _of_class(code)


def _of_class(code: int) -> Status:
    return Status.BadInvalidArgument if code >> 5 == _CLIENT_ERROR else Status.BadDeviceFailure


def format_of(content_format: int | None) -> PayloadFormat:
    """How a payload with this Content-Format is written; auto where the device does not say or we do not know."""
    return PayloadFormat.auto if content_format is None else _FORMATS.get(content_format, PayloadFormat.auto)


def content_format_of(form: PayloadFormat) -> int | None:
    """The Content-Format of a payload format; None for auto."""
    return _NUMBERS.get(form)
