"""The past of setpoints: what is kept of them, how clients see it, and that it outlives a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from typer.testing import CliRunner

from server.cli import app
from tests.analysis.conftest import Hall, hall
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.waiting import until

PLANT = """
plant: {{name: Setpoints{port}}}
server: {{data_dir: data}}
connections:
  line: {{driver: modbus, host: 127.0.0.1, port: {port}}}
history: {{except: [Pump/Unkept]}}
twins:
  Pump:
    scope: asset
    connection: line
    telemetry:
      Flow: {{type: Float, point: {{address: 0}}, rate_s: 0.05}}
    commands:
      Speed: {{type: Float, unit: RPM, limits: [0, 3000], point: {{address: 2}}, rate_s: 0.05}}
      "On": {{type: Boolean, point: {{address: 0, table: coil}}, rate_s: 0.05}}
      Recipe: {{type: UInt16, array_length: 2, point: {{address: 10}}, rate_s: 0.05}}
      Unkept: {{type: Float, point: {{address: 4}}, rate_s: 0.05}}
      AlsoUnkept: {{type: Float, point: {{address: 6}}, rate_s: 0.05, history: false}}
"""
LAMP = """
plant: {{name: Lamps}}
connections: {{broker: {{driver: mqtt, host: 127.0.0.1, port: {port}}}}}
history: {{}}
twins:
  Lamp:
    scope: asset
    connection: broker
    commands:
      Light: {{type: Double, range: [0, 100], point: {{write_topic: lamp/set, retain: true}}}}
"""
SPEED, ON = "Pump/Speed", "Pump/On"
HISTORY_READ, HISTORIZED = 4, 0b1100
MAXIMUM, TIME_AVERAGE = ua.ObjectIds.AggregateFunction_Maximum, ua.ObjectIds.AggregateFunction_TimeAverage


async def read(plant: Hall, path: str, details: Any = None) -> ua.HistoryReadResult:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    request = ua.HistoryReadParameters(
        details or ua.ReadRawModifiedDetails(False, now - hour, now + hour, 0, False), ua.TimestampsToReturn.Both, False
    )
    request.NodesToRead = [ua.HistoryReadValueId(NodeId=plant.node_id(path))]
    (found,) = await plant.client.uaclient.history_read(request)
    body = found.HistoryData
    if isinstance(body, ua.ExtensionObject) and body.Body:
        found.HistoryData = struct_from_binary(ua.extension_objects_by_typeid[body.TypeId], Buffer(body.Body))
    return found


async def values(plant: Hall, path: str) -> list[Any]:
    """Good ones."""
    found = await read(plant, path)
    data: Any = found.HistoryData
    return [one.Value.Value for one in data.DataValues if one.StatusCode.is_good()]


async def write(plant: Hall, path: str, value: ua.Variant) -> None:
    await plant.client.get_node(plant.node_id(path)).write_value(ua.DataValue(value))


async def attribute(plant: Hall, path: str, which: ua.AttributeIds) -> Any:
    (found,) = await plant.client.uaclient.read_attributes([plant.node_id(path)], which)
    return found.Value.Value if found.Value is not None else None


async def processed(plant: Hall, path: str, aggregate: int, start: datetime, end: datetime) -> float:
    details = ua.ReadProcessedDetails(
        start, end, 0.0, [ua.NodeId(ua.Int32(aggregate))], ua.AggregateConfiguration(True)
    )
    found = await read(plant, path, details)
    (value,) = found.HistoryData.DataValues
    return float(value.Value.Value)


async def test_clients_read_the_past_of_commands_as_that_of_telemetry_and_a_restart_does_not_end_it(
    tmp_path: Path,
) -> None:
    """Part 3, 8.57: HistoryRead in the AccessLevel; 5.6.2: Historizing. Part 11, 5.2.2: a setpoint is Stepped; 6.5.3:
    raw values, 6.5.4: aggregates of them. Part 4, 5.10.3.4: what is not kept is refused."""
    async with ModbusDevice() as device:
        text = PLANT.format(port=device.port)
        device.put(2, 1200.0, ">f4")
        async with hall(tmp_path, "engineer", text=text) as plant:
            good = plant.bridge.table.status
            row = plant.bridge.space.row_of(plant.node_id(SPEED))
            await until(lambda: good[row] == 0)
            before = datetime.now(UTC)
            await write(plant, SPEED, ua.Variant(1500.0, ua.VariantType.Float))
            await write(plant, ON, ua.Variant(True, ua.VariantType.Boolean))
            await device.asked(device.requests + 20)
            device.put(2, 1700.0, ">f4")  # somebody turned a knob at the device
            await until(lambda: plant.bridge.table.python_value(row) == 1700.0)
            assert await values(plant, SPEED) == [1200.0, 1500.0, 1700.0], "as they were read back, and no more"
            assert await values(plant, ON) == [False, True]
            assert len(await values(plant, "Pump/Flow")) > 10
            for path, kept in ((SPEED, True), (ON, True), ("Pump/Recipe", False), ("Pump/Unkept", False)):
                assert await attribute(plant, path, ua.AttributeIds.Historizing) is kept
                assert bool(await attribute(plant, path, ua.AttributeIds.AccessLevel) & HISTORIZED) is kept
            for path in ("Pump/Recipe", "Pump/Unkept", "Pump/AlsoUnkept"):
                assert (await read(plant, path)).StatusCode.name == "BadHistoryOperationUnsupported"
            assert await plant.value(f"{SPEED}.HA Configuration.Stepped") is True
            assert await plant.value("Pump/Flow.HA Configuration.Stepped") is False
            now = datetime.now(UTC)
            assert await processed(plant, SPEED, MAXIMUM, before, now) == 1700.0
            average = await processed(plant, SPEED, TIME_AVERAGE, before, now)
            assert 1200.0 < average < 1700.0, "each value for as long as it held"
        device.misbehave("silence")
        async with hall(tmp_path, "engineer", text=text) as plant:
            assert (await values(plant, SPEED))[:3] == [1200.0, 1500.0, 1700.0]
            rows = [plant.bridge.space.row_of(plant.node_id(path)) for path in (SPEED, ON)]
            past = await plant.bridge.history.series(rows)
            assert [past[one].values[np.isfinite(past[one].values)].tolist()[:3] for one in rows] == [
                [1200.0, 1500.0, 1700.0],
                [0.0, 1.0],
            ]


async def test_what_cannot_be_read_is_kept_as_it_was_written_and_confirmed(tmp_path: Path) -> None:
    with MqttBroker() as broker:
        async with hall(tmp_path, "engineer", text=LAMP.format(port=broker.port)) as plant:
            await until(lambda: plant.bridge.acquisition.links["broker"].connected)
            for value in (3.0, 4.0, 4.0):
                await write(plant, "Lamp/Light", ua.Variant(value, ua.VariantType.Double))
            with pytest.raises(ua.UaStatusCodeError):
                await write(plant, "Lamp/Light", ua.Variant(300.0, ua.VariantType.Double))
            assert await values(plant, "Lamp/Light") == [3.0, 4.0], "what was refused has never been"
    async with hall(tmp_path, "engineer", text=LAMP.format(port=broker.port)) as plant:
        assert await values(plant, "Lamp/Light") == [3.0, 4.0]


def test_what_was_set_is_exported_and_past_setpoints_are_imported(tmp_path: Path) -> None:
    plant, out = tmp_path / "plant.yaml", tmp_path / "out.csv"
    plant.write_text(PLANT.format(port=1))
    past = tmp_path / "past.csv"
    times = [f"2026-03-01T00:0{minute}:00Z" for minute in range(3)]
    past.write_text("tag,time,value\n" + "".join(f"{SPEED},{time},1480\n{ON},{time},1\n" for time in times))
    run = CliRunner().invoke
    imported = run(app, ["history", "import", str(past), str(plant)])
    assert imported.exit_code == 0, imported.output
    wanted = ["--tags", "Pump/*", "--from", "2026-03-01T00:00Z", "--to", "2026-03-02T00:00Z", "--out", str(out)]
    exported = run(app, ["history", "export", str(plant), *wanted])
    assert exported.exit_code == 0, exported.output
    assert exported.output.endswith("6 values of 2 tags\n"), "as imported: nothing is left out for being the same"
    past.write_text("tag,time,value\nPump/Recipe,2026-03-01T00:00:00Z,1\nPump/Spee,2026-03-01T00:00:00Z,1\n")
    refused = run(app, ["history", "import", str(past), str(plant)])
    assert refused.exit_code == 2
    assert "no values of Pump/Recipe are kept" in refused.stderr
    assert "no values of Pump/Spee are kept" in refused.stderr
