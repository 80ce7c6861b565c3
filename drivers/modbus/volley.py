"""Requests that are sent together over Modbus TCP, and how their answers look when all is well."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple

from drivers.modbus.pdu import ANSWER_BYTES, HEADER, frame

Request = tuple[int, bytes]
"""Unit and PDU."""
_LEFT_OUT: Final = b"\0\0"
"""Stands where a transaction identifier was."""


class Volley(NamedTuple):
    """Read requests and what is the same in all polls.

    tails: their frames behind the transaction identifier. heads: how good answers go on behind it (protocol, length,
    unit, function, count). ends: where each of those answers ends when they come one behind the other, in bytes.
    answers: takes transaction identifiers and heads out of those.
    """

    requests: Sequence[Request]
    tails: Sequence[bytes]
    heads: tuple[bytes, ...]
    ends: Sequence[int]
    answers: Struct

    @staticmethod
    def of(requests: Sequence[Request], payload_bytes: Sequence[int]) -> Volley:
        """Requests whose good answers bring so many bytes of values."""
        heads, ends, end = [], [], 0
        for (unit, pdu), count in zip(requests, payload_bytes, strict=True):
            heads.append(HEADER.pack(0, 0, 3 + count, unit)[2:] + bytes((pdu[0], count)))
            end += ANSWER_BYTES + count
            ends.append(end)
        tails = [frame(0, unit, pdu)[2:] for unit, pdu in requests]
        answers = Struct(">" + "".join(f"H7s{count}x" for count in payload_bytes))
        return Volley(requests, tails, tuple(heads), ends, answers)

    def frames(self, first: int) -> list[bytes]:
        """What is sent, with the transaction identifiers first, first + 1, ... which stay within two bytes."""
        return [transaction.to_bytes(2, "big") + tail for transaction, tail in enumerate(self.tails, first)]

    def is_all(self, data: bytes, first: int) -> bool:
        """Whether these bytes are the good answers to all of them, in order, and nothing else."""
        if len(data) != self.ends[-1]:
            return False
        found = self.answers.unpack(data)
        return found[1::2] == self.heads and found[::2] == tuple(range(first, first + len(self.heads)))

    def join(self, answers: Sequence[object]) -> bytes | None:
        """The frames of these answers, were they to come one behind the other; None where one is not good."""
        frames: list[bytes] = []
        for answer, head, end in zip(answers, self.heads, self.ends, strict=True):
            start = self.ends[len(frames) - 1] if frames else 0
            if not isinstance(answer, bytes) or len(answer) != end - start - 7 or not answer.startswith(head[5:]):
                return None
            frames.append(_LEFT_OUT + head[:5] + answer)
        return b"".join(frames)

    def cut(self, data: bytes) -> list[bytes]:
        """The answers (PDUs) in frames that are joined."""
        return [data[start + 7 : end] for start, end in zip([0, *self.ends], self.ends, strict=False)]
