"""Every plant in examples/ passes `uatwin check`, and works against devices on real sockets."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from drivers.status import Status
from server.config.check_report import check
from tests.simulators.bridge import Bridge, bridge
from tests.simulators.coap_device import CoapDevice
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.waiting import until

EXAMPLES = Path(__file__).parents[2] / "examples"


def _at(port: int, example: str, folder: Path) -> str:
    """The text of an example with all its devices at a port of this computer; its CSV file goes into the folder."""
    for file in EXAMPLES.glob("*.csv"):
        shutil.copy(file, folder)
    text = re.sub(r"\bhost: [\w.]+", "host: 127.0.0.1", (EXAMPLES / example).read_text("utf-8"))
    return re.sub(r"\bport: \d+", f"port: {port}", text)


def _everything_read_is_good(at_work: Bridge) -> bool:
    return at_work.good(*(tag.path for tag in at_work.plant.tags if tag.connection is not None))


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.name)
def test_every_example_passes_the_check(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(file, as_json=False) == 0
    told = capsys.readouterr().out
    assert "twin" in told
    assert file.read_text("utf-8").startswith("# yaml-language-server: $schema=../docs/plant.schema.json\n#\n# ")


async def test_the_modbus_example_reads_and_writes(tmp_path: Path) -> None:
    async with ModbusDevice() as device:
        device.put(0, [1450.0, 81.5, 3.2, 7.5], ">f4", "inputs")
        device.inputs[20] = 2
        async with bridge(tmp_path, _at(device.port, "modbus.yaml", tmp_path)) as at_work:
            await until(lambda: _everything_read_is_good(at_work))
            assert at_work.value("Pump1/Speed") == 1450.0
            assert at_work.value("Pump1/State") == 2
            assert await at_work.write("Pump1/SpeedSetpoint", 1800.0) is Status.Good
            assert device.get(0, ">f4") == 1800.0
            assert await at_work.write("Pump1/SpeedSetpoint", 2950.0) is Status.BadOutOfRange
            device.discretes[1] = True
            await until(lambda: at_work.value("Pump1/Fault") is True)
            assert await at_work.write("Pump1/SpeedSetpoint", 1500.0) is Status.BadInvalidState


async def test_the_mqtt_example_reads_and_writes(tmp_path: Path) -> None:
    bearing = json.dumps({"ts": "2026-11-22T12:00:00Z", "rms": 2.1, "kurtosis": 3.1, "temperature": 41.0})
    tower = json.dumps({"ts": "2026-11-22T12:00:00Z", "fan_speed": 60.0, "outlet": 24.5, "quality": "good"})
    with MqttBroker() as broker:
        async with bridge(tmp_path, _at(broker.port, "mqtt.yaml", tmp_path)) as at_work:
            await until(lambda: at_work.acquisition.links["broker"].connected)
            for topic in (f"cooling/vibration/pump{n}/{end}" for n in (1, 2) for end in ("drive_end", "non_drive_end")):
                await broker.publish(topic, bearing, "-r")
            await broker.publish("cooling/tower", tower, "-r")
            await broker.publish("cooling/tower/fan/state", "60", "-r")
            vibration = "Pump2/NonDriveEndBearing/Vibration"
            await until(lambda: at_work.good(vibration, "CoolingTower/FanSpeed"))
            assert at_work.value(vibration) == pytest.approx(2.1)
            listener = await broker.listen("cooling/tower/fan/set")
            await broker.publish("cooling/tower/fan/state", "70", "-r")
            assert await at_work.write("CoolingTower/FanSpeedSetpoint", 170.0) is Status.BadOutOfRange
            assert await at_work.write("CoolingTower/FanSpeedSetpoint", 80.0) is Status.BadTimeout  # nobody confirms
            assert float(await listener.payload("cooling/tower/fan/set")) == 80.0
            await listener.close()
            await broker.publish("cooling/gateway/availability", "offline")
            await until(lambda: at_work.status(vibration) is Status.UncertainNoCommunicationLastUsableValue)


async def test_the_coap_example_reads_and_writes(tmp_path: Path) -> None:
    async with CoapDevice() as device:
        device.set("/weather", {"temperature": 21.5, "humidity": 60.0, "t": 1_795_000_000})
        tank = [{"bn": "tank/", "n": "level", "v": 70.0}, {"n": "temperature", "v": 24.0}]
        device.set("/tank", tank, format="senml_json")
        device.set("/tank/level_setpoint", {"value": 70.0, "t": 1_795_000_000})
        async with bridge(tmp_path, _at(device.port, "coap.yaml", tmp_path)) as at_work:
            await until(lambda: _everything_read_is_good(at_work))
            assert at_work.value("Tank/Level") == 70.0
            assert at_work.value("Weather/Temperature") == 21.5
            assert await at_work.write("Tank/LevelSetpoint", 60.0) is Status.Good
            assert json.loads(device.written[-1].payload) == 60.0
            assert await at_work.write("Tank/LevelSetpoint", 99.0) is Status.BadOutOfRange


async def test_the_500_machines_of_the_csv_file_read_good(tmp_path: Path) -> None:
    async with ModbusDevice(units=range(1, 6)) as device:
        for unit in range(1, 6):
            for base in range(0, 500, 20):
                device.unit(unit).put(base + 1, np.float32(unit * 10 + base), ">f4")
        async with bridge(tmp_path, _at(device.port, "machines.yaml", tmp_path)) as at_work:
            assert sum(twin.type_name == "Packer" for twin in at_work.plant.walk()) == 500
            await until(lambda: _everything_read_is_good(at_work), within_s=20)
            assert at_work.value("Packing/Packer001/Rate") == 10.0
            assert at_work.value("Packing/Packer500/Rate") == 50.0 + 480.0
            assert await at_work.write("Packing/Packer500/SealSetpoint", 150.0) is Status.Good
            assert device.unit(5).get(480 + 9, ">f4") == 150.0
