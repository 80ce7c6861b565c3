"""Publishers as a plant file describes them: several brokers, TLS, users, commands, a killed bridge, a reload."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.config.load import load_plant
from server.config.plant import Plant
from server.publish.contract import Order
from server.publish.publishers import About, Publishers
from server.tags.table import TagTable
from tests.simulators.certificates import Authority
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.publishers import Ear
from tests.simulators.waiting import until

ABOUT = About("urn:test", "uatwin", lambda: ("opc.tcp://127.0.0.1:4840",))
PLANT = """
plant: {{name: Hall}}
connections: {{line: {{driver: modbus, host: 127.0.0.1, port: 1}}}}
twins:
  Pump:
    scope: asset
    connection: line
    telemetry: {{Speed: {{type: Float, range: [0, 3000], point: {{table: holding, address: 0}}}}}}
    commands: {{Setpoint: {{type: Float, range: [0, 3000], point: {{table: holding, address: 2}}}}}}
publish:
{publish}
"""


def plant_of(folder: Path, publish: str) -> Plant:
    file = folder / "plant.yaml"
    file.write_text(PLANT.format(publish=publish), "utf-8")
    return load_plant(file)


def table_of(plant: Plant) -> TagTable:
    return TagTable([int(tag.data_type) for tag in plant.tags])


async def obey(order: Order) -> tuple[int, str]:
    return Status.BadUserAccessDenied, f"{order.user} may not write {order.value} to {order.path}"


@contextlib.asynccontextmanager
async def publishing(plant: Plant, table: TagTable, folder: Path) -> AsyncIterator[Publishers]:
    publishers = Publishers(plant, table, folder, ABOUT, obey)
    task = asyncio.create_task(publishers.run())
    try:
        await until(lambda: publishers.active)
        yield publishers
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def speed(plant: Plant, table: TagTable, value: float) -> None:
    row = next(tag.row for tag in plant.tags if tag.name == "Speed")
    batch = Readings.uniform([row], Status.Good, now_ticks())
    table.commit(Readings(batch.row, to_cells([value], DataType.Float), batch.status, batch.source_ticks))


async def test_each_broker_gets_all_values_though_another_is_away(tmp_path: Path) -> None:
    with MqttBroker() as near, MqttBroker() as far, Ear(near.port) as ear:
        await until(lambda: ear.subscribed)
        publish = "".join(
            f"  {name}: {{broker: {{host: 127.0.0.1, port: {one.port}}}, interval_s: 0.02, json: {{}}}}\n"
            for name, one in (("near", near), ("far", far))
        )
        plant = plant_of(tmp_path, publish)
        table = table_of(plant)
        far.stop()
        async with publishing(plant, table, tmp_path) as publishers:
            await until(lambda: publishers.active["near"].connected)
            for value in range(1, 51):
                speed(plant, table, value)
                await asyncio.sleep(0.002)
            await until(lambda: ear.values("Hall/Pump/Speed")[-50:] == list(range(1, 51)))
            assert publishers.active["far"].queue.values == 50
            far.start()
            with Ear(far.port) as other:
                await until(lambda: len(other.values("Hall/Pump/Speed")) >= 1 or publishers.active["far"].connected, 20)
                await until(lambda: publishers.active["far"].queue.values == 0, 20)


async def test_tls_with_a_client_certificate_and_a_password_that_no_message_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path)
    server, own = authority.sign("localhost"), authority.sign("bridge")
    monkeypatch.setenv("BROKER_PASSWORD", "lock and key")
    options = "require_certificate true"
    users = {"uatwin": "lock and key"}
    with MqttBroker(tls=(authority.cert, *server), users=users, options=options) as broker:
        where = f"host: localhost, port: {broker.port}, user: uatwin"
        tls = f"tls: {{ca: {authority.cert}, cert: {own.cert}, key: {own.key}}}"
        good = f"  cloud: {{broker: {{{where}, password: {{env: BROKER_PASSWORD}}, {tls}}}, json: {{}}}}\n"
        (tmp_path / "wrong").write_text("opened by nobody\n")
        wrong = f"  cloud: {{broker: {{{where}, password: {{file: wrong}}, {tls}}}, json: {{}}}}\n"
        plant = plant_of(tmp_path, good)
        async with publishing(plant, table_of(plant), tmp_path) as publishers:
            await until(lambda: publishers.active["cloud"].connected)
        plant = plant_of(tmp_path, wrong)
        async with publishing(plant, table_of(plant), tmp_path) as publishers:
            await until(lambda: publishers.active["cloud"].counters.last_error)
            assert "check user, password" in publishers.active["cloud"].counters.last_error
            assert publishers.active["cloud"].counters.reconnects == 0  # a refusal is no lost connection
        assert "lock and key" not in caplog.text
        assert "opened by nobody" not in caplog.text


async def test_an_order_goes_by_the_command_path_and_its_refusal_comes_back(tmp_path: Path) -> None:
    with MqttBroker() as broker, Ear(broker.port) as ear:
        await until(lambda: ear.subscribed)
        publish = f"  uns: {{broker: {{host: 127.0.0.1, port: {broker.port}}}, json: {{commands: true}}}}\n"
        plant = plant_of(tmp_path, publish)
        async with publishing(plant, table_of(plant), tmp_path) as publishers:
            await until(lambda: publishers.active["uns"].connected)
            await broker.publish("Hall/Pump/Setpoint/set", "1500", "-q", "1")
            answer = "Hall/Pump/Setpoint/set/result"
            await until(lambda: any(one.topic == answer for one in ear.heard))
        said = json.loads(next(one.payload for one in ear.heard if one.topic == answer))
        assert said["reason"] == "publisher uns may not write 1500 to Pump/Setpoint"


async def test_a_reload_makes_publishers_anew_and_keeps_what_waits(tmp_path: Path) -> None:
    with MqttBroker() as broker:
        broker.stop()
        publish = f"  one: {{broker: {{host: 127.0.0.1, port: {broker.port}}}, interval_s: 0.02, json: {{}}}}\n"
        plant = plant_of(tmp_path, publish)
        table = table_of(plant)
        async with publishing(plant, table, tmp_path) as publishers:
            speed(plant, table, 1.0)
            await until(lambda: publishers.active["one"].queue.values == 1)
            before = publishers.active["one"]
            publishers.adopt(replace(plant))
            assert publishers.active["one"] is before
            publishers.adopt(plant_of(tmp_path, publish.replace("0.02", "0.03")))
            await until(lambda: publishers.active.get("one", before) is not before)
            assert publishers.active["one"].queue.values == 1


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.publish.test_publishers import plant_of, publishing, speed, table_of

async def main():
    folder, port = Path(sys.argv[1]), sys.argv[2]
    publish = "  one: {broker: {host: 127.0.0.1, port: %s}, interval_s: 0.01, json: {}}\\n" % port
    plant = plant_of(folder, publish)
    table = table_of(plant)
    async with publishing(plant, table, folder) as publishers:
        for value in range(1, 100_000):
            speed(plant, table, float(value))
            await asyncio.sleep(0.005)
            print(value - 1 if publishers.active["one"].queue.values else 0, flush=True)

asyncio.run(main())
"""


async def test_a_bridge_that_is_killed_loses_no_value_older_than_its_interval(tmp_path: Path) -> None:
    """kill -9 while the broker is away; what was on disk is sent by the next bridge."""
    with MqttBroker() as broker:
        broker.stop()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KILLED, str(tmp_path), str(broker.port), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        last = 0
        while last < 60:
            last = int(await process.stdout.readline())
        process.kill()
        rest = (await process.communicate())[0].split()
        last = max([last, *map(int, rest)])
        broker.start()
        publish = f"  one: {{broker: {{host: 127.0.0.1, port: {broker.port}}}, interval_s: 0.02, json: {{}}}}\n"
        plant = plant_of(tmp_path, publish)
        with Ear(broker.port) as ear:
            await until(lambda: ear.subscribed)
            async with publishing(plant, table_of(plant), tmp_path) as publishers:
                await until(lambda: publishers.active["one"].connected)
                await until(lambda: publishers.active["one"].queue.values == 0)
                heard = ear.values("Hall/Pump/Speed")
        assert heard == list(range(1, len(heard) + 1))
        assert len(heard) >= last - 20  # 20 values are what an interval and a write take
