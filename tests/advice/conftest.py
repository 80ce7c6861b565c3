"""A hall with two pumps on a real Modbus device, and its advice; what workers would say is told by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from analytics.function import Function
from server.advice.advice import Advice
from server.advice.notices import Notice
from server.analysis.managing import Asked
from server.config.plant import Twin
from server.security.roles import Role, User
from tests.simulators.bridge import Bridge, bridge
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.pump_hall import PLANT
from tests.simulators.waiting import until

A, B = "Hall/A/SpeedSetpoint", "Hall/B/SpeedSetpoint"
SECOND = 10_000_000
OPERATOR = User("olga", frozenset({Role.Operator}))
ENGINEER = User("emil", frozenset({Role.Engineer}))
VIEWER = User("vera", frozenset({Role.Observer}))
Answer = Callable[[Twin, Sequence[Any]], Any]


@dataclass
class Hall:
    """answers: of functions by name, own results, valid and reason; asked: what they were asked."""

    bridge: Bridge
    device: ModbusDevice
    advice: Advice
    clock: list[int]
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, Sequence[Any]]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    async def call(self, name: str, *arguments: Any, user: User = OPERATOR, twin: str = "Hall") -> tuple[Any, ...]:
        """The results of a function that the server does itself."""
        results, _ = await self.advice.functions[name](Asked(twin, arguments, user, self.clock[0]))
        return results

    def propose(self, proposed: dict[str, float], saving: float = 2.0, low: float = 1.0) -> str:
        """The id of a proposal that begins from what is now; low: of the interval of its saving."""
        return self.advice.book.add("Hall", "olga", self.said(proposed, saving, low)).id

    def said(self, proposed: dict[str, float], saving: float = 2.0, low: float = 1.0) -> dict[str, Any]:
        """Results of OptimizeSetpoints by their names."""
        return {
            "Names": [path.removeprefix("Hall/") for path in proposed],
            "Commands": list(proposed),
            "Units": ["RPM"] * len(proposed),
            "Current": [float(str(self.bridge.value(path))) for path in proposed],
            "Proposed": list(proposed.values()),
            "ObjectiveUnit": "KWH",
            "Saving": saving,
            "SavingLow": low,
            "SavingHigh": 2.0 * saving - low,
            "SavingPercent": 10.0,
            "Binding": [],
            "Models": ["A: pump (pump, fidelity 0)"],
        }

    def holds(self, *speeds: float) -> bool:
        """What the device itself has."""
        return [self.device.get(at, ">f4") for at in (0, 10)] == list(speeds)

    @property
    def mode(self) -> str:
        """Of the hall."""
        return str(self.advice.modes.of("Hall").mode)

    def shown(self, name: str) -> Any:
        """A Variable of the hall."""
        return self.bridge.value(f"Hall/{name}")


@asynccontextmanager
async def hall(folder: Path, device: ModbusDevice, mode: str = "supervised") -> AsyncIterator[Hall]:
    """Both setpoints are Good and 2000 at first."""
    clock = [132_000_000_000_000_000]
    async with bridge(folder, PLANT.format(port=device.port, mode=mode)) as running:
        it: Hall

        async def ask(twin: Twin, function: Function, arguments: Sequence[Any]) -> Sequence[Any]:
            it.asked.append((function.name, arguments))
            said = it.answers[function.name](twin, arguments)
            return (*(await said if asyncio.iscoroutine(said) else said), "", 100.0, "")

        advice = Advice(running.plant, running.table, running.commands, folder / "advice", ask, lambda: clock[0])
        it = Hall(running, device, advice, clock)
        advice.notices.on(it.notices.append)
        await until(lambda: running.good(A, B, "Hall/A/Blocked", "Hall/B/Blocked"))
        await advice.open()
        try:
            yield it
        finally:
            await advice.stop()


@pytest.fixture
async def device() -> AsyncIterator[ModbusDevice]:
    async with ModbusDevice() as it:
        for at in (0, 10, 20):
            it.put(at, 2000.0, ">f4")
        yield it
