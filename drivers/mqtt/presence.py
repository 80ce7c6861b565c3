"""Whether devices are there, as their availability topic (a birth message or a last will) tells. No I/O."""

from __future__ import annotations

from drivers.batch import Column
from drivers.driver import Traffic
from drivers.json_path import MISSING, compile_path, resolve
from drivers.mqtt.malformed import count
from drivers.mqtt.settings import Availability
from drivers.payload import DecodeError, PayloadFormat, Picked, parse
from drivers.status import Status


class Presence:
    """The devices behind one availability topic, and what they said while they seemed away.

    add: a tag that hangs on it, with the column of its readings. hold keeps what a tag says while it is offline.
    """

    def __init__(self, settings: Availability, traffic: Traffic) -> None:
        self._settings = settings
        self._traffic = traffic
        self._steps = compile_path(settings.value) if settings.value is not None else None
        self._tags: list[tuple[int, Column]] = []
        self._held: dict[int, tuple[Column, Picked]] = {}
        self.offline = False

    def add(self, row: int, column: Column) -> None:
        """One more tag that is Bad while the device is away."""
        self._tags.append((row, column))

    def hold(self, row: int, column: Column, picked: Picked) -> None:
        """A tag spoke although its device is said to be away; this counts once it is said to be back."""
        self._held[row] = column, picked

    def reset(self) -> None:
        """Nothing is known, as at the start of a connection."""
        self.offline = False
        self._held.clear()

    def take(self, topic: str, payload: bytes, _retained: bool, now_ticks: int) -> None:
        """A message on the topic."""
        try:
            self._say(self._word(payload) if payload else None, now_ticks)
        except DecodeError as error:
            count(self._traffic, topic, str(error))

    def _say(self, word: str | None, now_ticks: int) -> None:
        if word is None:
            self.reset()  # the retained word was deleted
        elif word == self._settings.offline:
            self.offline = True
            for row, column in self._tags:
                column.add(row, 0, Status.BadNoCommunication, now_ticks)
        elif word == self._settings.online:
            for row, (column, picked) in self._held.items():
                column.add(row, picked.value, picked.status, picked.source_ticks)
            self.reset()
        else:
            raise DecodeError(
                f'"{word}" is neither "{self._settings.online}" nor "{self._settings.offline}", the words of the '
                "availability topic"
            )

    def _word(self, payload: bytes) -> str:
        if self._steps is None:
            return str(parse(PayloadFormat.text, payload)).strip()
        found = resolve(self._steps, parse(PayloadFormat.json, payload))
        if found is MISSING:
            raise DecodeError(f"nothing is at {self._settings.value}")
        return str(found).lower() if isinstance(found, bool) else str(found)
