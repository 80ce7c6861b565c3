"""Who applies the proposals of each twin: as the plant file says, until somebody or something changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from analytics.errors import NotAvailable
from drivers.readings import now_ticks
from server.advice.kept import Kept
from server.advice.notices import FELL_BACK, TOLD, Notices
from server.analysis.library import moment
from server.config.optimization import Mode, Optimization, commands_of
from server.config.plant import Plant, Twin

_AS_DECLARED: Final = "as the plant file says"
_UNDECLARED: Final = "the plant file says nothing of its optimisation"


class Standing(msgspec.Struct, frozen=True):
    """mode: now. declared: what the plant file said then. reason: why, a sentence; by: who set it, "" nobody.
    since_ticks: when, 0 where it is as the plant file says."""

    mode: Mode
    declared: Mode
    reason: str
    by: str = ""
    since_ticks: int = 0


class Modes:
    """The modes of all twins with commands that feed models. A mode that was set counts over restarts, until the plant
    file says another one than it did."""

    def __init__(self, plant: Plant, file: Path, notices: Notices, clock: Callable[[], int] = now_ticks) -> None:
        self._kept: Kept[dict[str, Standing]] = Kept(file, dict[str, Standing], {})
        self._notices = notices
        self._clock = clock
        self._turns: dict[str, int] = {}
        self._hindrances: dict[str, str] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._twins: Mapping[str, Twin] = {}
        self._take(plant)

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call listener(path of twin) after its mode, or what is said of it, has changed."""
        self._listeners.append(listener)

    async def open(self) -> None:
        """Read what was kept."""
        await self._kept.open()
        self._settle()

    def adopt(self, plant: Plant) -> None:
        """Go on with another plant."""
        self._take(plant)
        self._settle()

    async def flush(self) -> None:
        """Wait until all is on disk."""
        await self._kept.flush()

    @property
    def twins(self) -> Mapping[str, Twin]:
        """All that have a mode, by path."""
        return self._twins

    def of(self, path: str) -> Standing:
        """The mode of a twin."""
        kept = self._kept.value.get(path)
        told = self._twins[path].optimization if path in self._twins else None
        declared = told.mode if told is not None else Mode.advisory
        if kept is not None and kept.declared is declared:
            return kept
        return Standing(declared, declared, _AS_DECLARED if told is not None else _UNDECLARED)

    def words(self, path: str) -> str:
        """Why it is in its mode, and what holds it up."""
        hindrance = self._hindrances.get(path, "")
        reason = self.of(path).reason
        return f"{reason}; {hindrance}" if hindrance else reason

    def turn(self, path: str) -> int:
        """Counts the changes of a twin's mode: what began in another turn is void."""
        return self._turns.get(path, 0)

    def set(self, path: str, mode: Mode, by: str) -> Standing:
        """Somebody says so; returns what was before. Raises NotAvailable where the plant file has too little said for
        it."""
        before = self.of(path)
        if path not in self._twins:
            raise NotAvailable(f"{path} is no twin of the plant; there is nothing to apply proposals to")
        if mode is Mode.autonomous and (why := lacking(self._twins[path].optimization)):
            raise NotAvailable(why)
        self._put(path, mode, f"set to {mode} by {by} at {moment(self._clock())}", by)
        self._notices.tell(path, TOLD, f"Optimisation of {path}: {before.mode} was set to {mode} by {by}")
        return before

    def fall_back(self, path: str, why: str) -> bool:
        """From autonomous to supervised, for good; whether it was autonomous."""
        if self.of(path).mode is not Mode.autonomous:
            return False
        self._put(path, Mode.supervised, f"fell back to supervised at {moment(self._clock())}: {why}", "")
        message = (
            f"Optimisation of {path} fell back to supervised: {why}. SetOptimizationMode makes it autonomous again"
        )
        self._notices.tell(path, FELL_BACK, message)
        return True

    def hinder(self, path: str, why: str) -> None:
        """What keeps an autonomous twin from being changed just now, "" for nothing; shown, but not kept."""
        if self._hindrances.get(path, "") != why:
            self._hindrances[path] = why
            self._tell(path)

    def _put(self, path: str, mode: Mode, reason: str, by: str) -> None:
        self._hindrances.pop(path, None)
        self._turns[path] = self.turn(path) + 1
        declared = self.of(path).declared
        self._kept.note({**self._kept.value, path: Standing(mode, declared, reason, by, self._clock())})
        self._tell(path)

    def _tell(self, path: str) -> None:
        for listener in self._listeners:
            listener(path)

    def _take(self, plant: Plant) -> None:
        self._twins = {
            twin.path: twin for twin in plant.walk() if commands_of(use for one in twin.walk() for use in one.models)
        }

    def _settle(self) -> None:
        """What was set at run time may not fit the plant file any more."""
        for path, twin in self._twins.items():
            if self.of(path).mode is Mode.autonomous and (why := lacking(twin.optimization)):
                self.fall_back(path, why)


def lacking(told: Optimization | None) -> str:
    """What the plant file would have to say before the server may act by itself; "" nothing."""
    if told is None or not told.limits:
        return "the plant file states no limits (optimization: limits:) within which the server itself may act"
    return "" if told.every_s else "the plant file does not say how often the server itself asks (every_s)"
