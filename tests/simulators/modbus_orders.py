"""How simulated Modbus devices misbehave on order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.simulators.modbus_memory import Request

Kind = Literal[
    "silence",  # takes the request (and obeys it not) and never answers
    "slow",  # answers after delay_s; later requests of the connection wait meanwhile
    "exception",  # answers exception `code`
    "close",  # closes the connection instead of answering
    "reset",  # sends half the answer and resets the connection
    "half_frame",  # sends half the answer and nothing more, and keeps the connection
    "split",  # sends the answer in two segments with delay_s between: well-behaved, and hard on deframing
    "garbage",  # answers bytes that are no Modbus
    "wrong_unit",  # answers as the next unit
    "wrong_transaction",  # answers with another transaction identifier
    "wrong_function",  # answers another function than was asked
    "wrong_length",  # answers a read with one byte less, in a well-formed frame
    "twice",  # answers twice
    "wrong_crc",  # ends the frame of a serial line with a wrong CRC
    "noise",  # sends two bytes of noise before the answer
    "ignore_write",  # acknowledges a write and does not do it
]


@dataclass(slots=True)
class Misbehaviour:
    """An order to misbehave; it applies to requests that match all of unit, function, address (any within the
    request's range) and `times` (None: until told otherwise)."""

    kind: Kind
    times: int | None = None
    unit: int | None = None
    function: int | None = None
    address: int | None = None
    code: int = 4
    delay_s: float = 0.2

    def fits(self, request: Request) -> bool:
        """Whether it applies to a request."""
        return (
            self.times != 0
            and self.unit in (None, request.unit)
            and self.function in (None, request.function)
            and (self.address is None or request.address <= self.address < request.address + request.count)
        )
