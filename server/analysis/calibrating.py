"""Calibrations that are made again and again over a window of time that moves on, until somebody ends them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from analytics.errors import AnalyticsError, FunctionFailed
from analytics.model_store import replace_file
from analytics.series import TICKS_PER_SECOND
from analytics.simulation.calibrate import CALIBRATE, Mode
from drivers.readings import now_ticks
from server.analysis.library import moment
from server.config.plant import Twin

_log = logging.getLogger(__name__)
FILE: Final = "continuous.json"
_SHARE: Final = 4.0
"""Calibrations within one window."""
_OFTENEST_S, _SELDOMEST_S = 300.0, 86_400.0
_VALID: Final = len(CALIBRATE.own)
Call = Callable[[Twin, str, Sequence[Any]], Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Continuous:
    """Of one twin. parameters, bounds: as the arguments of Calibrate. window_s: how far back each one looks; every_s:
    from one to the next. user: who wanted it. last_ticks: when the last one was made; last: what came of it."""

    twin: str
    parameters: tuple[str, ...]
    bounds: tuple[float, ...]
    window_s: float
    every_s: float
    user: str = ""
    last_ticks: int = 0
    last: str = ""

    @property
    def due_ticks(self) -> int:
        """When the next one is."""
        return self.last_ticks + round(self.every_s * TICKS_PER_SECOND)


def every_s(window_s: float) -> float:
    """From one calibration to the next: a quarter of the window, five minutes at least, a day at most."""
    return min(max(window_s / _SHARE, _OFTENEST_S), _SELDOMEST_S)


class Calibrating:
    """One for each twin at most, and one calibration at a time. folder: where it is kept over restarts, None: it is
    not. `listener(twin path)` is called after something has changed."""

    def __init__(self, folder: Path | None = None, clock: Callable[[], int] = now_ticks) -> None:
        self._file = None if folder is None else folder / FILE
        self._clock = clock
        self._all: dict[str, Continuous] = {}
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[str], None]] = []
        self._writing = asyncio.Lock()

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call listener(twin path) after that of a twin has changed."""
        self._listeners.append(listener)

    def of(self, twin: str) -> Continuous | None:
        """That of a twin."""
        return self._all.get(twin)

    def told(self, twin: str) -> str:
        """What people are told of it; "" where there is none."""
        one = self._all.get(twin)
        if one is None:
            return ""
        every, window = (timedelta(seconds=round(seconds)) for seconds in (one.every_s, one.window_s))
        last = f"; last: {one.last}" if one.last else ""
        names = ", ".join(one.parameters)
        return f"{names}: every {every} over the last {window}, next at {moment(one.due_ticks)}{last}"

    async def open(self) -> None:
        """Read what was kept; tells the log what cannot be read."""
        if self._file is None or not await asyncio.to_thread(self._file.exists):
            return
        try:
            content = await asyncio.to_thread(self._file.read_bytes)
            self._all = {one.twin: one for one in msgspec.json.decode(content, type=list[Continuous])}
        except (OSError, msgspec.MsgspecError) as error:
            _log.error("%s: continuous calibrations are left out: %s", self._file, error)

    async def begin(self, one: Continuous) -> str:
        """Make it again and again from now on, instead of what was before; how it is told. Raises FunctionFailed."""
        await self._put(replace(one, last_ticks=self._clock()))
        _log.info("%s is calibrated continuously by %s: %s", one.twin, one.user or "the server", self.told(one.twin))
        self._changed.set()
        return self.told(one.twin)

    async def end(self, twin: str) -> bool:
        """No longer; whether it was. Raises FunctionFailed."""
        if self._all.pop(twin, None) is None:
            return False
        await self._keep(twin)
        _log.info("%s is no longer calibrated continuously", twin)
        return True

    async def run(self, call: Call, twin_at: Callable[[str], Twin | None]) -> None:
        """Work until cancelled. call: a method of a twin to its end."""
        while True:
            await self.make_due(call, twin_at)
            self._changed.clear()
            waits = [one.due_ticks - self._clock() for one in self._all.values()]
            try:
                async with asyncio.timeout(max(min(waits) / TICKS_PER_SECOND, 0.0) if waits else None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def make_due(self, call: Call, twin_at: Callable[[str], Twin | None]) -> None:
        """Those that are due, one after the other."""
        for one in sorted(self._all.values(), key=lambda one: one.due_ticks):
            if one.due_ticks > self._clock() or self._all.get(one.twin) is not one:
                continue
            said = await self._make(one, call, twin_at(one.twin))
            if self._all.get(one.twin) is not one:
                continue  # ended, or begun anew, meanwhile
            try:
                await self._put(replace(one, last_ticks=self._clock(), last=said))
            except FunctionFailed as error:
                _log.error("%s", error)

    async def _make(self, one: Continuous, call: Call, twin: Twin | None) -> str:
        if twin is None:
            return "the plant has no such twin any more"
        now = self._clock()
        begin = now - round(one.window_s * TICKS_PER_SECOND)
        try:
            said = await call(twin, CALIBRATE.name, (one.parameters, one.bounds, begin, now, str(Mode.batch)))
        except AnalyticsError as error:
            _log.warning("the continuous calibration of %s: %s", one.twin, error)
            return str(error)
        activated, _, reason, model = said[_VALID - 1 : _VALID + 3]
        return f"{model} is active" if activated else f"{model}: {reason}" if model else str(reason)

    async def _put(self, one: Continuous) -> None:
        self._all[one.twin] = one
        await self._keep(one.twin)

    async def _keep(self, twin: str) -> None:
        for listener in self._listeners:
            listener(twin)
        if self._file is None:
            return
        async with self._writing:
            content = msgspec.json.format(msgspec.json.encode(list(self._all.values())), indent=1)
            try:
                await asyncio.to_thread(replace_file, self._file, content)
            except OSError as error:
                raise FunctionFailed(f"{self._file}: cannot be written: {error.strerror or error}") from error
