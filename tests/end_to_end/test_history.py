"""The history of a running bridge: stopped by a disk and told, going on by itself, there after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asyncua import Client, ua

from tests.simulators.demo_run import FREE_ENDPOINT, Uatwin
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.waiting import until

PLANT = """
plant: {{name: History{port}}}
server: {{policies: [None], data_dir: data}}
connections:
  line: {{driver: modbus, host: 127.0.0.1, port: {port}}}
history: {{path: disk/values.sqlite}}
twins:
  Tank:
    scope: asset
    connection: line
    telemetry:
      Level: {{type: Float, unit: P1, point: {{address: 0}}, rate_s: 0.1}}
"""
LEVEL = "ns=3;s=Tank/Level"
STATE = "ns=3;s=History/State"
STOPPED = "ns=3;s=History/HistoryStopped"


@asynccontextmanager
async def running(folder: Path, file: Path) -> AsyncIterator[Client]:
    with Uatwin(folder, "run", str(file), *FREE_ENDPOINT, "--pki", str(file.parent / "pki")) as bridge:
        async with Client(await asyncio.to_thread(lambda: bridge.endpoint)) as client:
            yield client


class Heard:
    """Messages of the condition, by whether it was active."""

    def __init__(self) -> None:
        self.active: list[bool] = []

    def event_notification(self, event: Any) -> None:
        fields = event.get_event_props_as_fields_dict()
        if "ActiveState/Id" in fields and fields["SourceName"].Value == "History":
            self.active.append(bool(fields["ActiveState/Id"].Value))


async def shows(client: Client, node_id: str, value: object) -> None:
    node, found = client.get_node(node_id), None
    async with asyncio.timeout(20):
        while found != value:
            found = await node.read_value()


async def levels(client: Client) -> list[float]:
    now = datetime.now(UTC)
    read = client.get_node(LEVEL).read_raw_history(now - timedelta(hours=1), now + timedelta(hours=1))
    return [one.Value.Value for one in await read if one.StatusCode.is_good()]


async def test_a_history_that_cannot_be_written_raises_an_alarm_goes_on_by_itself_and_outlives_a_restart(
    tmp_path: Path,
) -> None:
    """Part 9, 5.8.23.3: SystemOffNormalAlarmType, for what ails the system itself."""
    file, disk = tmp_path / "plant.yaml", tmp_path / "disk"
    disk.write_text("a file where the folder is to be")
    async with ModbusDevice() as device:
        file.write_text(PLANT.format(port=device.port))
        device.put(0, 41.5, ">f4")
        async with running(tmp_path / "one", file) as client:
            heard = Heard()
            subscription = await client.create_subscription(50, heard)
            await subscription.subscribe_alarms_and_conditions(
                client.get_node("ns=3;s=History"), evtypes=[ua.ObjectIds.SystemOffNormalAlarmType]
            )
            await shows(client, STATE, 2)
            assert "choose another path" in await client.get_node("ns=3;s=History/LastError").read_value()
            await shows(client, f"{STOPPED}/ActiveState.Id", True)
            assert await client.get_node(LEVEL).read_value() == 41.5
            disk.unlink()
            await shows(client, STATE, 1)
            await shows(client, f"{STOPPED}/ActiveState.Id", False)
            await until(lambda: heard.active[-1:] == [False])
            device.put(0, 42.5, ">f4")
            await shows(client, LEVEL, 42.5)
            kept = await levels(client)
            assert (kept[0], kept[-1]) == (41.5, 42.5)
            await subscription.delete()
        device.put(0, 43.5, ">f4")
        async with running(tmp_path / "two", file) as client:
            await shows(client, LEVEL, 43.5)
            after = await levels(client)
            assert after[: len(kept)] == kept
            assert after[-1] == 43.5
