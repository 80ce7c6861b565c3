"""An answer or notification of a device, free of the library it came through, and how fresh it is (RFC 7641)."""

from __future__ import annotations

from typing import Final, NamedTuple

_DEFAULT_MAX_AGE_S: Final = 60
_HALF_OF_SEQUENCE: Final = 1 << 23
_SEQUENCE_FORGOTTEN_S: Final = 128.0


class Answer(NamedTuple):
    """code: CoAP's number (0x45 is 2.05). content_format, max_age, observe: options, None where absent; max_age in
    seconds, observe the sequence number. more: the payload is only the first block of a larger one."""

    code: int
    payload: bytes
    content_format: int | None = None
    max_age: int | None = None
    observe: int | None = None
    more: bool = False


def fresh_s(max_age: int | None, limit_s: float, grace_s: float) -> float:
    """How long after an answer the next one may take until the resource is asked again.

    max_age: as the device states it; None is 60 s (RFC 7252, 5.10.5), 0 says nothing about the next notification.
    limit_s: the longest that is trusted.
    """
    stated = _DEFAULT_MAX_AGE_S if max_age is None else max_age
    return (min(stated, limit_s) if stated > 0 else limit_s) + grace_s


def is_newer(last: int, last_at_s: float, sequence: int, at_s: float) -> bool:
    """Whether a notification is newer than the last one taken (RFC 7641, 3.4); 24-bit sequence numbers wrap."""
    if last < sequence:
        return sequence - last < _HALF_OF_SEQUENCE
    if last > sequence and last - sequence > _HALF_OF_SEQUENCE:
        return True
    return at_s > last_at_s + _SEQUENCE_FORGOTTEN_S
