"""Lets the server act by itself: asks for proposals now and then, and applies them within the limits stated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from analytics.errors import AnalyticsError
from analytics.function import Function
from analytics.simulation.following import FOLLOWING
from analytics.simulation.naming import shown
from analytics.simulation.optimize import OPTIMIZE_SETPOINTS
from drivers.status import is_good
from server.advice.applying import Applying
from server.advice.desk import Desk
from server.advice.kept import Kept
from server.advice.modes import Modes
from server.advice.saving import Ask
from server.commands.audit import CommandAudit
from server.config.optimization import Limit, Mode, Optimization
from server.config.plant import Twin

OPTIMIZE: Final = OPTIMIZE_SETPOINTS.name
USER: Final = "uatwin (autonomous)"
"""Who the audit says has written."""
_TICK_S: Final = 1.0


class Left(msgspec.Struct, frozen=True):
    """How the commands of a twin were left, by path, since it became autonomous at since_ticks."""

    since_ticks: int
    values: dict[str, float]


class Autopilot:
    """Of all autonomous twins. It stops being autonomous at the first refusal, when the models do not follow the plant
    any more, and when anybody else sets one of its commands; it never becomes so again by itself. ask: runs a function
    to its end."""

    def __init__(self, file: Path, modes: Modes, desk: Desk, applying: Applying, ask: Ask) -> None:
        self._kept: Kept[dict[str, Left]] = Kept(file, dict[str, Left], {})
        self._modes = modes
        self._desk = desk
        self._applying = applying
        self._ask = ask
        self._due: dict[str, float] = {}
        self._looking: set[str] = set()

    async def open(self) -> None:
        """Read how commands were left."""
        await self._kept.open()

    async def flush(self) -> None:
        """Wait until all is on disk."""
        await self._kept.flush()

    async def run(self, clock: Callable[[], float] | None = None) -> None:
        """Look at every autonomous twin as often as the plant file says, until cancelled. clock: ever increasing, in
        seconds."""
        now_s = clock or asyncio.get_running_loop().time
        async with asyncio.TaskGroup() as tasks:
            while True:
                for path in self.due(now_s()):
                    tasks.create_task(self.look(path), name=f"optimise {path}")
                await asyncio.sleep(_TICK_S)

    def due(self, now_s: float) -> list[str]:
        """The twins whose turn it is; each comes first after the whole of its every_s."""
        found = []
        for path, twin in self._modes.twins.items():
            told = twin.optimization
            if told is None or not told.every_s or self._modes.of(path).mode is not Mode.autonomous:
                self._due.pop(path, None)
            elif now_s >= self._due.setdefault(path, now_s + told.every_s):
                self._due[path] = now_s + told.every_s
                found.append(path)
        return found

    def note(self, audit: CommandAudit) -> None:
        """Called after every attempt to write a command: who else does so has taken over."""
        if audit.user == USER or not is_good(audit.status):
            return
        for path, twin in self._modes.twins.items():
            if twin.optimization is not None and audit.path in twin.optimization.limits:
                self._modes.fall_back(path, f"{audit.user} took over: {shown(audit.path, path)} set to {audit.new}")

    async def look(self, path: str) -> None:
        """One round for a twin."""
        twin = self._modes.twins.get(path)
        if twin is None or twin.optimization is None or path in self._looking:
            return
        self._looking.add(path)
        turn = self._modes.turn(path)
        try:
            hindrance = await self._round(twin, twin.optimization, lambda: self._modes.turn(path) != turn)
        except AnalyticsError as error:
            hindrance = str(error)
        finally:
            self._looking.discard(path)
        if self._modes.turn(path) == turn:
            self._modes.hinder(path, f"not changed just now: {hindrance}" if hindrance else "")

    async def _round(self, twin: Twin, told: Optimization, void: Callable[[], bool]) -> str:
        """Why nothing was done, "" where there is no reason to tell. void: the mode was changed meanwhile. Raises
        AnalyticsError."""
        if self._modes.of(twin.path).mode is not Mode.autonomous:
            return ""
        now = {path: self._applying.value(path) for path in told.limits}
        unknown = [shown(path, twin.path) for path, value in now.items() if value != value]
        if unknown:
            return f"{', '.join(unknown[:3])} has no Good value"
        if why := self._taken_over(twin.path, now) or _outside(twin.path, told.limits, now):
            self._modes.fall_back(twin.path, why)
            return ""
        follows, why, valid, reason, *_ = await self._ask(twin, FOLLOWING, [0.0])
        if void() or not valid:
            return str(reason)
        if not follows:
            self._modes.fall_back(twin.path, f"the model drifts: {why}")
            return ""
        return await self._optimise(twin, told, now, void)

    async def _optimise(
        self, twin: Twin, told: Optimization, now: Mapping[str, float], void: Callable[[], bool]
    ) -> str:
        function = OPTIMIZE_SETPOINTS
        arguments = ["", _variables(twin.path, told.limits, now), [], told.aim.horizon_s]
        said = named(function, await self._ask(twin, function, arguments))
        if void() or not said["Valid"]:
            return str(said["Reason"])
        if not said["ProposalId"] or not said["SavingLow"] > 0.0:
            return "" if not said["ProposalId"] else "it is not certain that the latest proposal would save anything"
        return await self._apply(twin, told, str(said["ProposalId"]), void)

    async def _apply(self, twin: Twin, told: Optimization, proposal_id: str, void: Callable[[], bool]) -> str:
        proposal = self._desk.find(twin.path, proposal_id)
        for change in proposal.changes:
            limit = told.limits.get(change.command)
            if limit is None or not _inside(change.current, change.proposed, limit):
                return f"{proposal_id} would set {change.name} to {change.proposed}, which the limits do not allow"
        halted = "the mode was changed meanwhile"
        try:
            _, applied = await self._desk.apply(twin.path, proposal_id, USER, lambda: halted if void() else "")
        except AnalyticsError as error:
            self._give_up(twin.path, str(error), void)
            return ""
        if not applied.done:
            self._give_up(twin.path, f"{proposal_id} was refused: {applied.words}", void)
            return ""
        self._leave(twin.path, {path: self._applying.value(path) for path in told.limits})
        return ""

    def _give_up(self, path: str, why: str, void: Callable[[], bool]) -> None:
        if not void():
            self._modes.fall_back(path, why)

    def _taken_over(self, path: str, now: Mapping[str, float]) -> str:
        """Why somebody must have set a command at the device itself, "" where nobody has."""
        left = self._kept.value.get(path)
        if left is None or left.since_ticks != self._modes.of(path).since_ticks:
            self._leave(path, now)
            return ""
        for command, value in now.items():
            before = left.values.get(command, value)
            if not self._applying.same(command, value, before):
                return f"somebody took over: {shown(command, path)} is {value:g}, and was left at {before:g}"
        return ""

    def _leave(self, path: str, values: Mapping[str, float]) -> None:
        left = Left(self._modes.of(path).since_ticks, dict(values))
        self._kept.note({**self._kept.value, path: left})


def named(function: Function, results: Any) -> dict[str, Any]:
    """Results by their names."""
    return dict(zip((one.name for one in function.results), results, strict=True))


def _outside(twin: str, limits: Mapping[str, Limit], now: Mapping[str, float]) -> str:
    for path, limit in limits.items():
        if not limit.low <= now[path] <= limit.high:
            return f"{shown(path, twin)} is {now[path]:g}, outside of its limits {limit.low:g} to {limit.high:g}"
    return ""


def _variables(twin: str, limits: Mapping[str, Limit], now: Mapping[str, float]) -> list[str]:
    """With bounds that one step reaches, so that constraints hold on that way."""
    found = []
    for path, limit in limits.items():
        low, high = max(limit.low, now[path] - limit.step), min(limit.high, now[path] + limit.step)
        found.append(f"{shown(path, twin)} {low:.12g}..{high:.12g}")
    return found


def _inside(current: float | None, proposed: float | None, limit: Limit) -> bool:
    if current is None or proposed is None:
        return False
    slack = 1e-6 * max(abs(limit.low), abs(limit.high))
    near = abs(proposed - current) <= limit.step + slack
    return near and limit.low - slack <= proposed <= limit.high + slack
