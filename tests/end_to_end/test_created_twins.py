"""Twins made because their topics spoke: a real broker, the whole bridge, an OPC UA client."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest
from asyncua import Client, Node, ua

from server.config.check_report import check
from server.config.load import load_plant
from tests.simulators.bridge import serving
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.subscriber import Subscriber, values
from tests.simulators.waiting import until

PLANT = """
plant: {{name: Hall}}
server: {{data_dir: data, policies: [None]}}
connections:
  broker:
    driver: mqtt
    host: 127.0.0.1
    port: {port}
    create:
    - {{topic: "plant/{{line}}/pump/{{n}}/#", type: Pump, under: "Lines/Line{{line}}", name: "Pump{{n}}", at_most: 4}}
  steady: {{driver: mqtt, host: 127.0.0.1, port: {port}}}
types:
  Pump:
    scope: asset
    parameters: {{line: {{}}, n: {{}}}}
    telemetry:
      Temperature:
        type: Float
        unit: CEL
        rate_s: 60
        point: {{topic: "plant/{{line}}/pump/{{n}}/temperature", retained: good}}
    rules: {{TooHot: {{input: Temperature, high: 90, severity: 700}}}}
twins:
  Power:
    scope: asset
    telemetry: {{Total: {{type: Float, rate_s: 60, connection: steady, point: {{topic: power}}}}}}
  Known:
    scope: asset
    telemetry: {{T: {{type: Float, connection: broker, point: {{topic: plant/a/pump/0/temperature}}}}}}
"""


async def good(node: Node, value: float) -> None:
    """Wait until a client reads that value with Good."""
    async with asyncio.timeout(15):
        while True:
            shown = await node.read_data_value(raise_on_bad_status=False)
            if shown.StatusCode is not None and shown.StatusCode.is_good() and shown.Value.Value == value:
                return
            await asyncio.sleep(0.05)


def write(folder: Path, port: int) -> Path:
    file = folder / "plant.yaml"
    file.write_text(PLANT.format(port=port))
    return file


async def test_three_unknown_machines_become_twins_and_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with MqttBroker() as broker:
        file = write(tmp_path, broker.port)
        created = tmp_path / "data" / "created" / "broker.yaml"
        async with serving(file, tmp_path / "pki") as bridge:
            port = int(bridge.server.endpoint_url.split(":")[2].split("/")[0])
            async with Client(bridge.server.endpoint_url) as client, Subscriber(port) as subscriber:
                total = client.get_node("ns=3;s=Power/Total")
                await until(lambda: bridge.acquisition.links["steady"].connected)
                await broker.publish("power", "1.5", "-r")
                row = next(tag.row for tag in bridge.plant.tags if tag.path == "Power/Total")
                await until(lambda: bridge.table.has_value[row])
                await subscriber.connect()
                made = await subscriber.subscribe(50)
                await subscriber.monitor(made.SubscriptionId, subscriber.item(total.nodeid))
                assert len(values(await subscriber.next())) == 1
                await broker.publish("plant/a/pump/0/other", "of a machine that has a tag")
                for line, n in (("a", "7"), ("a", "08"), ("b", "7")):
                    await broker.publish(f"plant/{line}/pump/{n}/temperature", "21.5", "-r")
                paths = [f"Lines/Line{line}/Pump{n}" for line, n in (("a", "7"), ("a", "08"), ("b", "7"))]
                for path in paths:
                    await good(client.get_node(f"ns=3;s={path}/Temperature"), 21.5)
                await broker.publish("plant/b/pump/7/temperature", "22.5")
                await good(client.get_node("ns=3;s=Lines/Lineb/Pump7/Temperature"), 22.5)
                below = await client.get_node("ns=3;s=Lines").get_children()
                assert {"Linea", "Lineb"} <= {(await node.read_browse_name()).Name for node in below}
                assert [one.path for one in bridge.plant.sections["created"]] == paths
                rules = [one.name for one in bridge.plant.sections["rules"]]
                assert rules.count("TooHot") == 3, "rules of the type came with them"
                await broker.publish("power", "2.5")
                while not any(one[1] == 2.5 for one in values(await subscriber.next())):
                    pass
                await subscriber.call(ua.CloseSessionRequest())
        assert check(file, as_json=True) == 0
        assert json.loads(capsys.readouterr().out)["created"] == 3

    async with serving(file, tmp_path / "pki2") as bridge:  # the broker is gone: they are there all the same
        paths = [one.path for one in bridge.plant.sections["created"]]
        assert len(paths) == 3
        async with Client(bridge.server.endpoint_url) as client:
            shown = await client.get_node("ns=3;s=Lines/Linea/Pump08/Temperature").read_data_value(False)
            assert shown.StatusCode is not None
            assert shown.StatusCode.value != ua.StatusCodes.BadNodeIdUnknown

    lines = created.read_text().splitlines(keepends=True)
    created.write_text("".join(line for line in lines if "Pump08" not in line))
    assert [one.path for one in load_plant(file).sections["created"]] == ["Lines/Linea/Pump7", "Lines/Lineb/Pump7"]


async def test_at_most_holds_and_a_machine_that_cannot_be_a_twin_keeps_none_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.WARNING, "server.creator")
    with MqttBroker() as broker:
        file = write(tmp_path, broker.port)
        created = tmp_path / "data" / "created" / "broker.yaml"
        # a value with a dot gives the name of another machine; one with braces is no parameter
        for n in ("1.5", "1_5", "{x}", "2"):
            await broker.publish(f"plant/a/pump/{n}/temperature", "1", "-r")
        turn = asyncio.Lock()
        async with serving(file, tmp_path / "pki", turn) as bridge:
            await until(lambda: len(bridge.plant.sections["created"]) == 3)
            paths = {one.path for one in bridge.plant.sections["created"]}
            assert {"Lines/Linea/Pump{x}", "Lines/Linea/Pump2", "Lines/Linea/Pump1_5"} == paths
            row = next(tag.row for tag in bridge.plant.tags if tag.path == "Lines/Linea/Pump{x}/Temperature")
            await until(lambda: bridge.table.status[row] == 0)
            refused = [record.getMessage() for record in caplog.records if "no twin is made for" in record.getMessage()]
            assert len(refused) == 1
            assert "Pump1_5 is given twice" in refused[0]

            await until(lambda: bridge.acquisition.links["broker"].connected)
            for n in range(3, 6):
                await broker.publish(f"plant/b/pump/{n}/temperature", "1")
            await until(lambda: len(bridge.plant.sections["created"]) == 4)
            await until(lambda: "has its 4 twins" in caplog.text)
            assert created.read_text().count("type") == 4

            right = file.read_text().replace("at_most: 4", "at_most: 9")
            file.write_text(right)
            async with turn:  # what `uatwin reload` does
                await bridge.adopt(load_plant(file))
            file.write_text(right.replace("severity: 700", "severity: 7000"))
            await until(lambda: bridge.acquisition.links["broker"].connected)
            await broker.publish("plant/b/pump/6/temperature", "1", "-r")
            await until(lambda: "1 new twins wait until this is put right" in caplog.text)
            assert created.read_text().count("type") == 4
            file.write_text(right)
            async with turn:
                await bridge.adopt(load_plant(file))
            await until(lambda: len(bridge.plant.sections["created"]) == 5)
            assert bridge.plant.sections["created"][-1].path == "Lines/Lineb/Pump6"
