"""What is under way to a broker: which readings of which batch of the queue each unacknowledged message carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from server.publish.contract import Message
from server.publish.reduced import Reduced


@dataclass(slots=True)
class _Batch:
    reduced: Reduced
    open: np.ndarray[Any, np.dtype[np.bool_]]
    carried: np.ndarray[Any, np.dtype[np.bool_]]
    messages: int = 0
    sent_all: bool = False


class Delivery:
    """Batches are done when all their messages are acknowledged; readings that no message carries need none."""

    def __init__(self) -> None:
        self.acknowledged = 0
        """Values acknowledged so far."""
        self._batches: dict[int, _Batch] = {}
        self._of_message: dict[int, tuple[int, Message]] = {}

    @property
    def under_way(self) -> int:
        """Messages that are not acknowledged."""
        return len(self._of_message)

    def begin(self, number: int, reduced: Reduced) -> None:
        """A batch is about to be sent."""
        count = len(reduced)
        self._batches[number] = _Batch(reduced, np.ones(count, np.bool_), np.zeros(count, np.bool_))

    def sent(self, number: int, message_number: int, message: Message) -> None:
        """A message of that batch is under way."""
        batch = self._batches[number]
        batch.carried[list(message.places)] = True
        batch.messages += 1
        self._of_message[message_number] = (number, message)

    def complete(self, number: int) -> list[int]:
        """All messages of the batch have been handed over; [its number] when none is open."""
        batch = self._batches[number]
        batch.open &= batch.carried
        batch.sent_all = True
        return self._done(number)

    def acknowledge(self, message_numbers: Iterable[int]) -> list[int]:
        """The broker has these; returns the batches that are done by that. Other messages' numbers are passed over."""
        done = []
        for one in message_numbers:
            number, message = self._of_message.pop(one, (0, None))
            if message is None or number == 0:
                continue
            batch = self._batches[number]
            batch.open[list(message.places)] = False
            batch.messages -= 1
            self.acknowledged += message.values
            done += self._done(number)
        return done

    def extra(self, message_number: int, message: Message) -> None:
        """A message that carries nothing of a batch is under way: a birth, a keep-alive."""
        self._of_message[message_number] = (0, message)

    def again(self) -> list[tuple[int, Message]]:
        """After a connection was lost: what was not acknowledged, in the order it was sent, with the numbers of the
        batches. It is to be `resent`."""
        messages = list(self._of_message.values())
        self._of_message.clear()
        return messages

    def resent(self, number: int, message_number: int, message: Message) -> None:
        """A message of `again` is under way once more."""
        self._of_message[message_number] = (number, message)

    def holds(self, number: int) -> bool:
        """Whether that batch is under way, or waits to be sent again."""
        return number in self._batches

    def partly(self) -> list[tuple[int, np.ndarray[Any, np.dtype[np.intp]], Reduced]]:
        """Batches of which some messages were acknowledged, and the places of the readings that were not."""
        return [
            (number, np.flatnonzero(batch.open), batch.reduced)
            for number, batch in self._batches.items()
            if 0 < batch.open.sum() < len(batch.reduced)
        ]

    def forget(self) -> None:
        """Nothing is under way any more: what was not acknowledged is taken from the disk."""
        self._batches.clear()
        self._of_message.clear()

    def _done(self, number: int) -> list[int]:
        batch = self._batches[number]
        if batch.messages or not batch.sent_all:
            return []
        del self._batches[number]
        return [number]
