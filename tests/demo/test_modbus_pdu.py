"""Modbus requests over a register map, byte by byte."""

from __future__ import annotations

import pytest

from server.demo.modbus_pdu import respond
from server.demo.physics import NotNow, OutOfRange
from server.demo.registers import UNITS, Register

MAP = (
    Register("input", 0, "f32", "a"),
    Register("input", 4, "i16", "b", 0.1),
    Register("holding", 10, "f32_swapped", "a", writable=True),
    Register("holding", 12, "u16", "c"),
    Register("holding", 13, "text", "text"),
    Register("coil", 0, "bit", "on", writable=True),
    Register("coil", 1, "bit", "off", writable=True),
)
VALUES = {"a": 1.5, "b": -2.5, "c": 7, "text": "Running", "on": True, "off": False}


def ask(request: str) -> tuple[str, list[tuple[str, float]]]:
    told: list[tuple[str, float]] = []
    answer = respond(bytes.fromhex(request), MAP, VALUES, lambda path, value: told.append((path, value)))
    return answer.hex(" "), told


@pytest.mark.parametrize(
    ("request_pdu", "answer"),
    [
        ("04 0000 0005", "04 0a 3f c0 00 00 00 00 00 00 ff e7"),  # gap of two reads 0
        ("03 000a 0002", "03 04 00 00 3f c0"),
        ("03 000d 0004", "03 08 52 75 6e 6e 69 6e 67 00"),
        ("01 0000 0002", "01 01 01"),
        ("04 0000 0006", "84 02"),
        ("04 0000 0000", "84 03"),
        ("04 0000 007e", "84 03"),
        ("04 00", "84 03"),
        ("2b 0e 01 00", "ab 01"),
    ],
)
def test_a_read_answers_with_registers_or_an_exception(request_pdu: str, answer: str) -> None:
    assert ask(request_pdu) == (answer, [])


@pytest.mark.parametrize(
    ("request_pdu", "answer", "commands"),
    [
        ("10 000a 0002 04 0000 4020", "10 00 0a 00 02", [("a", 2.5)]),
        ("05 0000 ff00", "05 00 00 ff 00", [("on", 1.0)]),
        ("0f 0000 0002 01 02", "0f 00 00 00 02", [("on", 0.0), ("off", 1.0)]),
        ("10 000a 0001 02 0000", "90 02", []),  # half a float
        ("06 000c 0001", "86 02", []),  # read-only
        ("05 0000 1234", "85 03", []),
        ("10 000a 0002 04 0000", "90 03", []),
        ("10 000a 0002", "90 03", []),
    ],
)
def test_a_write_is_done_whole_or_refused(request_pdu: str, answer: str, commands: list[tuple[str, float]]) -> None:
    assert ask(request_pdu) == (answer, commands)


@pytest.mark.parametrize(("error", "code"), [(OutOfRange("x"), 3), (NotNow("x"), 4)])
def test_the_refusal_of_the_plant_becomes_an_exception_code(error: Exception, code: int) -> None:
    def refuse(path: str, value: float) -> None:
        raise error

    assert respond(bytes.fromhex("050000ff00"), MAP, VALUES, refuse) == bytes((0x85, code))


@pytest.mark.parametrize("unit", UNITS)
def test_no_two_registers_of_a_unit_overlap(unit: int) -> None:
    taken = [(r.table, at) for r in UNITS[unit] for at in range(r.address, r.address + r.count)]
    assert len(taken) == len(set(taken))
