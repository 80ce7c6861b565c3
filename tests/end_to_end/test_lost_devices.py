"""Devices that die, by fault or by kill -9, and come back: what a client sees of it, without any restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from asyncua import Node, ua

from server.demo.launcher import Ports
from tests.simulators.demo_run import Devices, Seat, Uatwin, bridge, seat

MODBUS = "PrimaryLoop/Pump1/Power"
MQTT = "PrimaryLoop/Pump1/DriveEndBearing/Vibration"
COAP = "OutdoorTemperature"
STALE_S = 3.0
NOTICED_S = STALE_S + 1.0
"""Staleness time of all these tags, half a second for the sweep and half a second for the client's subscription."""
LONGEST_BACK_S = 25.0


@dataclass(frozen=True)
class Change:
    """A value as it was reported. at: on the monotonic clock."""

    at: float
    value: object
    status: ua.StatusCode


class Watch:
    """A subscription that notes every change of some tags."""

    def __init__(self, client: Seat, paths: Sequence[str]) -> None:
        self._path_of = {client.node_id(path): path for path in paths}
        self.changes: dict[str, list[Change]] = {path: [] for path in paths}

    def datachange_notification(self, node: Node, value: object, data: object) -> None:
        status = data.monitored_item.Value.StatusCode  # type: ignore[attr-defined]
        self.changes[self._path_of[node.nodeid]].append(Change(time.monotonic(), value, status))

    def good(self, path: str) -> bool:
        """Whether the latest that was reported is Good."""
        return bool(self.changes[path]) and self.changes[path][-1].status.is_good()

    def latest(self, path: str) -> Change:
        """What was reported last."""
        return self.changes[path][-1]

    def values_since(self, path: str, since: float) -> list[object]:
        """All values reported since then, which must all have been Good."""
        found = [change for change in self.changes[path] if change.at > since]
        assert all(change.status.is_good() for change in found), path
        return [change.value for change in found]

    async def until(self, paths: Sequence[str], good: bool, within_s: float) -> float:
        """Wait until the paths are Good, or are not; returns the seconds that took."""
        begun = time.monotonic()
        while any(self.good(path) is not good for path in paths):
            took = time.monotonic() - begun
            assert took < within_s, {path: self.changes[path][-1:] for path in paths if self.good(path) is not good}
            await asyncio.sleep(0.05)
        return time.monotonic() - begun


@asynccontextmanager
async def watching(process: Uatwin, *paths: str, user: str | None = None) -> AsyncIterator[tuple[Seat, Watch]]:
    """A client that watches these tags, once all are Good."""
    async with seat(process.endpoint, user) as client:
        watch = Watch(client, paths)
        subscription = await client.client.create_subscription(250, watch)
        await subscription.subscribe_data_change([client.client.get_node(client.node_id(path)) for path in paths])
        await watch.until(paths, good=True, within_s=30)
        yield client, watch
        await subscription.delete()


async def _check_lost(client: Seat, watch: Watch, lost: Sequence[str], others: Sequence[str], since: float) -> None:
    """The lost tags turn not Good in time and keep their last value, the others go on as before."""
    last = {path: watch.latest(path).value for path in lost}
    await watch.until(lost, good=False, within_s=NOTICED_S)
    for path in lost:
        seen = watch.latest(path)
        assert seen.status.name.startswith(("Uncertain", "Bad")), seen
        (answer,) = await client.read(path)
        assert answer.StatusCode.value == seen.status.value
        assert answer.Value.Value is not None
        assert answer.Value.Value == pytest.approx(last[path], rel=0.2)
    await asyncio.sleep(max(0.0, since + NOTICED_S - time.monotonic()))
    seconds = time.monotonic() - since
    for path in others:
        assert len(watch.values_since(path, since)) >= seconds - 2, f"{path} did not keep its rate"


@pytest.mark.parametrize(
    ("fault", "lost", "others"),
    [
        (6, ["SecondaryLoop/Pump3/Power", "SecondaryLoop/Pump3/Motor/Load"], [MODBUS, MQTT, COAP]),
        (7, [MQTT, "SecondaryLoop/CoolingTower/OutletTemperature", "TotalPower"], [MODBUS, COAP]),
        (8, [COAP, "SecondaryLoop/Conductivity", "SecondaryLoop/Tank/Level"], [MODBUS, MQTT]),
    ],
    ids=["DriveDead", "GatewayDead", "StationDead"],
)
async def test_a_device_that_falls_silent_takes_only_its_own_tags(
    running: Uatwin, fault: int, lost: list[str], others: list[str]
) -> None:
    async with watching(running, *lost, *others, user="operator") as (client, watch):
        since = time.monotonic()
        injected = await client.call("Commands/Inject", ua.Variant(fault, ua.VariantType.UInt16))
        assert injected.StatusCode.name == "Good"
        await _check_lost(client, watch, lost, others, since)
        assert await client.value("BadTags") >= len(lost)  # type: ignore[operator]
        assert (await client.call("Commands/ClearFaults")).StatusCode.name == "Good"
        await watch.until(lost, good=True, within_s=LONGEST_BACK_S)


async def test_a_command_to_a_dead_device_is_never_good(running: Uatwin) -> None:
    async with watching(running, COAP, user="operator") as (client, watch):
        assert (await client.call("Commands/Inject", ua.Variant(8, ua.VariantType.UInt16))).StatusCode.name == "Good"
        await watch.until([COAP], good=False, within_s=1.0 + NOTICED_S)
        refused = await client.write("SecondaryLoop/Tank/LevelSetpoint", 63.0)
        assert refused in ("BadTimeout", "BadNoCommunication"), refused
        assert (await client.call("Commands/ClearFaults")).StatusCode.name == "Good"
        await watch.until([COAP], good=True, within_s=LONGEST_BACK_S)
        assert await client.write("SecondaryLoop/Tank/LevelSetpoint", 70.0) == "Good"


@pytest.fixture(scope="module")
def three() -> Iterator[tuple[Devices, Devices, Devices]]:
    """The plant three times, so that each protocol has a process of its own to kill."""
    with Devices() as modbus, Devices() as mqtt, Devices() as coap:
        yield modbus, mqtt, coap


@pytest.fixture(scope="module")
def bridged(three: tuple[Devices, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uatwin]:
    """`uatwin run` on one protocol of each."""
    modbus, mqtt, coap = three
    ports = Ports(modbus.ports.modbus, mqtt.ports.mqtt, coap.ports.coap)
    with bridge(tmp_path_factory.mktemp("run"), ports) as process:
        yield process


@pytest.mark.parametrize(("killed", "path"), [(0, MODBUS), (1, MQTT), (2, COAP)], ids=["Modbus", "MQTT", "CoAP"])
async def test_a_killed_device_is_told_and_is_good_again_once_it_runs_again(
    bridged: Uatwin, three: tuple[Devices, ...], killed: int, path: str
) -> None:
    others = [other for other in (MODBUS, MQTT, COAP) if other != path]
    async with watching(bridged, path, *others) as (client, watch):
        since = time.monotonic()
        await asyncio.to_thread(three[killed].kill)
        await _check_lost(client, watch, [path], others, since)
        await asyncio.to_thread(three[killed].start)
        took = await watch.until([path], good=True, within_s=LONGEST_BACK_S)
        back = time.monotonic()
        while len(watch.values_since(path, back)) < 2:
            assert time.monotonic() < back + 5, f"{path} came back after {took:.1f} s and then stood still"
            await asyncio.sleep(0.1)


async def test_a_bridge_starts_without_its_devices_and_finds_them_later(
    three: tuple[Devices, ...], tmp_path: pytest.TempPathFactory
) -> None:
    """Only the CoAP device is away."""
    modbus, mqtt, coap = three
    coap.kill()
    with bridge(tmp_path, Ports(modbus.ports.modbus, mqtt.ports.mqtt, coap.ports.coap)) as process:  # type: ignore[arg-type]
        async with watching(process, MODBUS, MQTT) as (client, _):
            assert await client.status(COAP) in ("BadWaitingForInitialData", "BadNoCommunication")
            await asyncio.to_thread(coap.start)
            end = time.monotonic() + LONGEST_BACK_S
            while await client.status(COAP) != "Good":
                assert time.monotonic() < end, await client.status(COAP)
                await asyncio.sleep(0.1)
