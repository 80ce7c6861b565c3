"""Every way in which a CoAP device fails, observed and polled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.status import Status
from tests.faults.table import FaultTable
from tests.faults.watch import Watch
from tests.simulators.bridge import Bridge, bridge
from tests.simulators.coap_device import CoapDevice
from tests.simulators.waiting import until

DRIVER = "CoAP"
RATE_S = 0.1
SETTINGS = (
    "A device that has a new value every 0.1 s, observed or polled at `rate_s: 0.1`; `timeout_s: 0.2`,\n"
    "`keepalive_s: 0.3`, `max_age_s: 1`, `grace_s: 0.1` (by default 3, 10, 60 and 2 s). A lost connection is made\n"
    "anew after 0.1 to 0.4 s (by default 1 to 30 s). Power failures and silence last half a second, or until they\n"
    "show. A device that forgot its observers answers pings as before: until the end of Max-Age the last value that\n"
    "it told stays Good, as the device itself allowed, and *until Good* is the time to the next one."
)
LOST = Status.UncertainNoCommunicationLastUsableValue
STALE = Status.UncertainLastUsableValue
AWAY_S = 0.5
NEIGHBOUR = 9_999
PLANT = """
plant: {{name: P}}
connections:
  station: {{driver: coap, host: 127.0.0.1, port: {port}, timeout_s: 0.2, keepalive_s: 0.3, max_age_s: 1, grace_s: 0.1}}
twins:
  P:
    scope: asset
    rate_s: 0.1
    stale_s: 10
    connection: station
    telemetry:
      T: {{type: Double, point: {{path: /t, observe: {observe}}}}}
      Neighbour: {{type: Double, point: {{path: /n, observe: {observe}}}}}
"""


class Station:
    """A device whose /t counts up every 0.1 s while it has power, and whose /n stays as it is."""

    def __init__(self, device: CoapDevice) -> None:
        self.device = device
        self.count = 0
        self.powered = True

    def is_recent(self, value: object) -> bool:
        """Whether /t had this value within the last half second: no older one may come as a new one."""
        return value in range(max(0, self.count - 5), self.count + 1)

    async def keep_counting(self) -> None:
        while True:
            if self.powered:
                self.count += 1
                self.device.set("/t", self.count)
            await asyncio.sleep(RATE_S)

    async def once(self, **mischief: Any) -> None:
        """Misbehave at the next request for /t alone."""
        asked = self.device.requests["GET", "/t"]
        self.device.misbehave("/t", **mischief)
        await until(lambda: self.device.requests["GET", "/t"] > asked, every_s=0.001)
        self.device.behave()


@pytest.fixture
def table(fault_table: FaultTable) -> FaultTable:
    """With what the figures depend on."""
    fault_table.settings[DRIVER] = SETTINGS
    return fault_table


@asynccontextmanager
async def at_work(folder: Path, *, observe: bool) -> AsyncIterator[tuple[Station, Bridge]]:
    """A counting device and a bridge on which all is Good."""
    async with CoapDevice() as device:
        station = Station(device)
        device.set("/t", 0)
        device.set("/n", NEIGHBOUR)
        counting = asyncio.create_task(station.keep_counting())
        try:
            async with bridge(folder, PLANT.format(port=device.port, observe=str(observe).lower())) as p:
                await until(lambda: p.good("P/T", "P/Neighbour"))
                yield station, p
        finally:
            counting.cancel()
            await asyncio.gather(counting, return_exceptions=True)


@pytest.mark.parametrize("observe", [True, False], ids=["observed", "polled"])
@pytest.mark.parametrize("fault", ["its power fails", "it falls silent"])
async def test_a_device_that_is_away_for_a_while(tmp_path: Path, table: FaultTable, fault: str, observe: bool) -> None:
    async with at_work(tmp_path, observe=observe) as (station, p):
        watch = Watch(p, "P/T", station.is_recent)
        neighbour = Watch(p, "P/Neighbour", lambda value: value == NEIGHBOUR)

        async def begin() -> None:
            station.powered = False
            if fault == "its power fails":
                await station.device.stop()
            else:
                station.device.misbehave(silence=True)
            await asyncio.sleep(AWAY_S)

        async def end() -> None:
            if fault == "its power fails":
                await station.device.start()
            station.device.behave()
            station.powered = True

        name = f"{'observed' if observe else 'polled'}: {fault}"
        row = await watch.through(DRIVER, name, begin, end, shows=LOST, rate_s=RATE_S)
        assert not neighbour.wrong
        table.add(row)


async def test_a_device_that_restarts_under_observation(tmp_path: Path, table: FaultTable) -> None:
    """It says nothing to those it forgot; the end of Max-Age finds out, and the registration brings the new value."""
    async with at_work(tmp_path, observe=True) as (station, p):
        watch = Watch(p, "P/T", station.is_recent)
        restarted = 0.0

        async def begin() -> None:
            nonlocal restarted
            station.powered = False
            await until(lambda: p.value("P/T") == station.count)
            restarted = asyncio.get_running_loop().time()
            await station.device.restart()
            assert station.device.observers("/t") == 0
            station.powered = True

        fault = "observed: it restarts and forgets its observers"
        row = await watch.through(DRIVER, fault, begin, None, shows=None, rate_s=RATE_S)
        assert row.shows == ()
        heard_again = next(at for at, _ in watch.seen if at > restarted)
        assert heard_again - restarted < 1 + 0.1 + 0.2 + 0.5  # Max-Age, grace, time-out, a busy machine
        lost = round((heard_again - restarted) / RATE_S) - 1
        table.add(replace(row, good_s=heard_again - restarted, lost=lost))


@pytest.mark.parametrize(
    ("fault", "mischief", "shows"),
    [
        ("it answers 5.00, once", {"code": 0xA0}, Status.BadDeviceFailure),
        ("it sends what is no number, once", {"garbage": b"\xff\x00{"}, Status.BadDecodingError),
        ("its answer is late by 0.3 s, once", {"delay_s": 0.3}, STALE),
    ],
)
async def test_one_wrong_answer(
    tmp_path: Path, table: FaultTable, fault: str, mischief: dict[str, Any], shows: Status
) -> None:
    async with at_work(tmp_path, observe=False) as (station, p):
        watch = Watch(p, "P/T", station.is_recent)
        neighbour = Watch(p, "P/Neighbour", lambda value: value == NEIGHBOUR)
        row = await watch.through(
            *(DRIVER, f"polled: {fault}", lambda: station.once(**mischief), None),
            shows=shows,
            rate_s=RATE_S,
            others="stay Good",
        )
        assert neighbour.seen
        assert all(status is Status.Good for _, status in neighbour.seen)
        assert not neighbour.wrong
        table.add(row)
