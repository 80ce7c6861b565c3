"""Every response code that CoAP defines has a StatusCode of its own choosing."""

from __future__ import annotations

import pytest
from aiocoap.numbers.codes import Code

from drivers.coap.codes import content_format_of, dotted, format_of, is_success, read_status, write_status
from drivers.payload import PayloadFormat
from drivers.status import Status

ERRORS = [code for code in Code if int(code) >> 5 in (4, 5)]


@pytest.mark.parametrize("code", ERRORS, ids=str)
def test_every_refusal_is_bad_for_readers_and_writers(code: Code) -> None:
    assert not is_success(int(code))
    assert read_status(int(code)) >= Status.Bad
    assert write_status(int(code)) >= Status.Bad
    assert str(code).startswith(dotted(int(code)))


@pytest.mark.parametrize(
    ("code", "read", "write"),
    [
        (0x80, Status.BadConfigurationError, Status.BadInvalidArgument),
        (0x81, Status.BadUserAccessDenied, Status.BadUserAccessDenied),
        (0x83, Status.BadUserAccessDenied, Status.BadUserAccessDenied),
        (0x84, Status.BadConfigurationError, Status.BadConfigurationError),
        (0x85, Status.BadNotReadable, Status.BadNotWritable),
        (0x96, Status.BadOutOfRange, Status.BadOutOfRange),
        (0xA0, Status.BadDeviceFailure, Status.BadDeviceFailure),
        (0xA3, Status.BadResourceUnavailable, Status.BadResourceUnavailable),
        (0x9F, Status.BadInvalidArgument, Status.BadInvalidArgument),
        (0xBF, Status.BadDeviceFailure, Status.BadDeviceFailure),
    ],
)
def test_a_refusal_says_what_is_wrong(code: int, read: Status, write: Status) -> None:
    assert (read_status(code), write_status(code)) == (read, write)


def test_content_formats_and_payload_formats_translate_both_ways() -> None:
    for form in PayloadFormat:
        number = content_format_of(form)
        assert (number is None) == (form is PayloadFormat.auto)
        assert format_of(number) is form
    assert format_of(11542) is PayloadFormat.auto
