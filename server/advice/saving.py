"""What applied proposals save: the power that the plant would take with the setpoints of before, less what it takes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from analytics.errors import AnalyticsError
from analytics.function import Function
from analytics.series import TICKS_PER_SECOND
from analytics.simulation.counterfactual import COUNTERFACTUAL
from analytics.simulation.naming import shown
from drivers.readings import now_ticks
from server.advice.applying import Applying
from server.advice.kept import Kept
from server.advice.proposals import Proposal
from server.config.plant import Twin

_log = logging.getLogger(__name__)
PERIOD_S: Final = 30.0
LONGEST_GAP_S: Final = 5 * PERIOD_S
"""Nothing is added up over a longer time in which the saving was not known."""
_HOUR_TICKS: Final = 3600 * TICKS_PER_SECOND
Ask = Callable[[Twin, Function, Sequence[Any]], Awaitable[Sequence[Any]]]
"""A function on a twin, to its end: own results, valid, reason, ..."""


class Counted(msgspec.Struct, frozen=True):
    """since_ticks: of the first application. before: values of commands before it, by path. share_low, share_high: the
    95 % interval of the saving of the latest proposal, as shares of it. kwh, low, high: saved so far. kw: at ticks;
    ticks 0: not known then."""

    since_ticks: int
    before: dict[str, float]
    share_low: float = 1.0
    share_high: float = 1.0
    kwh: float = 0.0
    low: float = 0.0
    high: float = 0.0
    kw: float = 0.0
    ticks: int = 0


class Savings:
    """Of each twin with an applied proposal. ask: runs a function in a worker."""

    def __init__(
        self, file: Path, applying: Applying, ask: Ask, twins: Callable[[], Mapping[str, Twin]],
        clock: Callable[[], int] = now_ticks,
    ) -> None:  # fmt: skip
        self._kept: Kept[dict[str, Counted]] = Kept(file, dict[str, Counted], {})
        self._applying = applying
        self._ask = ask
        self._twins = twins
        self._clock = clock
        self._why_not: dict[str, str] = {}
        self._listeners: list[Callable[[str], None]] = []

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call listener(path of twin) after what it saves has changed."""
        self._listeners.append(listener)

    async def open(self) -> None:
        """Read what was kept; over the time in between nothing is known."""
        await self._kept.open()
        self._kept.value = {path: msgspec.structs.replace(one, ticks=0) for path, one in self._kept.value.items()}
        self._why_not = dict.fromkeys(self._kept.value, "it is being worked out")

    async def flush(self) -> None:
        """Wait until all is on disk."""
        await self._kept.flush()

    def of(self, path: str) -> Counted | None:
        """What a twin has saved; None where nothing was ever applied."""
        return self._kept.value.get(path)

    def why_not(self, path: str) -> str:
        """Why the power saved now is not known, "" where it is."""
        return self._why_not.get(path, "" if path in self._kept.value else "no proposal was applied")

    def begin(self, path: str, before: Mapping[str, float], proposal: Proposal) -> None:
        """A proposal was applied. Commands that an earlier one has moved are still compared with before that."""
        old = self.of(path) or Counted(self._clock(), {})
        low, high = _shares(proposal)
        new = msgspec.structs.replace(old, before={**before, **old.before}, share_low=low, share_high=high)
        self._why_not.setdefault(path, "it is being worked out")
        self._put(path, new)

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            await self.count()
            await asyncio.sleep(PERIOD_S)

    async def count(self) -> None:
        """Look at every twin once."""
        for path in tuple(self._kept.value):
            twin = self._twins().get(path)
            if twin is not None:
                await self._count(path, twin)

    async def _count(self, path: str, twin: Twin) -> None:
        counted = self.of(path)
        if counted is None or not counted.before:
            return
        now = {one: self._applying.value(one) for one in counted.before if self._applying.has(one)}
        kw, why = await self._power(twin, counted.before, now)
        counted = self.of(path) or counted  # another proposal may have been applied meanwhile
        ticks = self._clock()
        if why:
            self._why_not[path] = why
            self._put(path, msgspec.structs.replace(counted, ticks=0))
            return
        self._why_not[path] = ""
        self._put(path, _added(counted, kw, ticks))

    async def _power(self, twin: Twin, before: Mapping[str, float], now: Mapping[str, float]) -> tuple[float, str]:
        """kW saved, and why that is not known. now: of the commands that the plant has still."""
        unknown = [shown(one, twin.path) for one, value in now.items() if value != value]
        if unknown:
            return 0.0, f"{', '.join(unknown)} has no Good value"
        moved = {one: value for one, value in now.items() if not self._applying.same(one, value, before[one])}
        if not moved:
            return 0.0, ""
        names = [shown(one, twin.path) for one in moved]
        arguments = [names, [before[one] for one in moved], list(moved.values())]
        try:
            power_before, power_now, _, valid, reason, *_ = await self._ask(twin, COUNTERFACTUAL, arguments)
        except AnalyticsError as error:
            _log.warning("what %s saves is not known: %s", twin.path, error)
            return 0.0, str(error)
        return (power_before - power_now, "") if valid else (0.0, str(reason))

    def _put(self, path: str, counted: Counted) -> None:
        self._kept.note({**self._kept.value, path: counted})
        for listener in self._listeners:
            listener(path)


def _shares(proposal: Proposal) -> tuple[float, float]:
    """The interval of its saving, as shares of it."""
    if proposal.saving is None or proposal.low is None or proposal.high is None or proposal.saving <= 0.0:
        return 1.0, 1.0
    return proposal.low / proposal.saving, proposal.high / proposal.saving


def _added(counted: Counted, kw: float, ticks: int) -> Counted:
    """With what was saved since it was known last, straight in between."""
    passed = ticks - counted.ticks
    known = counted.ticks and 0 < passed <= LONGEST_GAP_S * TICKS_PER_SECOND
    kwh = 0.5 * (kw + counted.kw) * passed / _HOUR_TICKS if known else 0.0
    ends = sorted((kwh * counted.share_low, kwh * counted.share_high))
    return msgspec.structs.replace(
        counted, kwh=counted.kwh + kwh, low=counted.low + ends[0], high=counted.high + ends[1], kw=kw, ticks=ticks
    )
