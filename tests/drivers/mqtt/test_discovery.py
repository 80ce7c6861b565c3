"""What is heard from a broker becomes a plant-file fragment that loads and feeds its tags."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from drivers import mqtt
from drivers.errors import ConnectFailed
from drivers.mqtt.discovery import discover, settings_of
from drivers.mqtt.survey import Heard, Template, survey
from server.config.connections import bindings_of
from server.config.load import load_plant
from server.config.plant import Plant
from tests.drivers.mqtt.conftest import Observed, subscribed
from tests.simulators.mqtt_broker import MqttBroker, free_port

MESSAGES = [
    ("plant/north/pump/1/temperature", "41.5"),
    ("plant/north/pump/2/temperature", "42.5"),
    ("plant/north/pump/1/state", '{"speed": 1450, "running": true, "axes": [{"rms": 0.2}], "ts": 1700000000}'),
    ("plant/south.east/pump/07/temperature", "43.5"),
    ("plant/north/pump/1/Alarms", "high"),
]


async def found(broker: MqttBroker, folder: Path, *topics: str) -> tuple[str, Plant]:
    """The fragment, and the plant of a file that includes it."""
    url = f"mqtt://127.0.0.1:{broker.port}"
    fragment = await discover(url, topics, 0.3, "broker", {"Alarms"})
    (folder / "found.yaml").write_text(fragment)
    (folder / "plant.yaml").write_text("include: [found.yaml]\nplant: {name: Found}\n")
    return fragment, load_plant(folder / "plant.yaml")


async def test_a_template_makes_a_type_and_its_instances(broker: MqttBroker, tmp_path: Path) -> None:
    for topic, payload in MESSAGES:
        await broker.publish(topic, payload, "-r")
    fragment, plant = await found(broker, tmp_path, "plant/{area}/pump/+/#")
    assert "parameters: {area: {}, pump: {}}" in fragment
    by_path = {tag.path: tag for tag in plant.tags if tag.connection}
    assert {path.split("/")[0] for path in by_path} == {"Pump_north_1", "Pump_north_2", "Pump_south_east_07"}
    speed = by_path["Pump_north_1/state_speed"]
    assert (speed.data_type.name, speed.point.topic) == ("Double", "plant/north/pump/1/state")
    assert (speed.point.value, speed.point.timestamp) == ("$.speed", "$.ts")
    assert by_path["Pump_north_1/state_running"].data_type.name == "Boolean"
    assert by_path["Pump_north_1/state_axes_0_rms"].point.value == "$.axes[0].rms"
    assert by_path["Pump_north_1/Alarms2"].data_type.name == "String"
    assert by_path["Pump_south_east_07/temperature"].point.topic == "plant/south.east/pump/07/temperature"


async def test_what_was_found_is_fed(broker: MqttBroker, tmp_path: Path) -> None:
    for topic, payload in MESSAGES[:3]:
        await broker.publish(topic, payload, "-r")
    _, plant = await found(broker, tmp_path, "plant/+/pump/+/#")
    bindings = bindings_of(plant.connections["broker"].tags)
    driver = mqtt.create("broker", plant.connections["broker"].settings, bindings)
    await driver.connect()
    seen = Observed(driver, bindings)
    try:
        await subscribed(seen, 1)
        rows = {one.path: one.row for one in bindings}
        await seen.until(rows["Pump_north_2/temperature"], 42.5)
        await seen.until(rows["Pump_north_1/state_speed"], 1450)
    finally:
        await seen.stop()


async def test_without_a_template_each_device_becomes_a_twin(broker: MqttBroker, tmp_path: Path) -> None:
    await broker.publish("zigbee2mqtt/climate", '{"temperature": 21.5, "last_seen": "2026-11-22T12:00:00Z"}', "-r")
    await broker.publish("tank/level", "7", "-r")
    await broker.publish("tank/mode", "filling", "-r")
    _, plant = await found(broker, tmp_path, "#")
    assert sorted(tag.path for tag in plant.tags if tag.connection) == [
        "Tank1/level",
        "Tank1/mode",
        "Zigbee2mqttClimate1/temperature",
    ]


async def test_messages_that_come_while_it_listens_tell_their_interval(broker: MqttBroker) -> None:
    listening = asyncio.create_task(discover(f"mqtt://127.0.0.1:{broker.port}", ["t/+"], 1.0))
    while not listening.done():
        await broker.publish("t/1", "1")
    assert "rate_s: 0." in await listening
    assert "# left out" not in await listening


def test_a_plus_is_named_after_the_level_before_it() -> None:
    template = Template.of("plant/+/+/{n}/x")
    assert (template.names, template.filter) == (("plant", "plant2", "n"), "plant/+/+/+/x")
    assert template.split("plant/a/b/3/x") == (("a", "b", "3"), "plant/{plant}/{plant2}/{n}/x")
    assert template.split("plant/a/b/3/y") is None
    assert template.split("plant/a/b/3") is None


@pytest.mark.parametrize(
    ("payload", "point"),
    [
        (b'[{"n": "urn:dev:t", "v": 1}]', {"topic": "a/b", "format": "senml_json", "name": "urn:dev:t"}),
        (b"\xa1aa\x01", {"topic": "a/b", "format": "cbor", "value": "$.a"}),
        (b"\xff\xfe", {"topic": "a/b", "format": "raw"}),
        (b'{"a b": 1}', {"topic": "a/b", "value": '$["a b"]'}),
        (b'{"{x}": 1, "q": "good"}', {"topic": "a/b", "value": "$.{{x}}", "quality": "$.q"}),
    ],
)
def test_formats_are_told_apart(payload: bytes, point: dict[str, Any]) -> None:
    kind, skipped = survey(Template.of("a/#"), {"a/b": Heard(payload)})
    ((field, _, _),) = kind.tags.values()
    assert (dict(field.point), skipped) == (point, [])


async def test_what_is_no_broker_is_told() -> None:
    with pytest.raises(ConnectFailed):
        await discover(f"mqtt://127.0.0.1:{free_port()}", ["#"], 0.1)
    for url in ("http://x", "mqtt://", "mqtt://x/topic"):
        with pytest.raises(ValueError, match="not the URL of a broker"):
            settings_of(url)
    assert settings_of("mqtts://me@x:8884") == {
        "host": "x",
        "tls": {},
        "port": 8884,
        "user": "me",
        "password": {"env": "MQTT_PASSWORD"},
    }


async def test_the_command_writes_the_fragment(broker: MqttBroker, tmp_path: Path) -> None:
    await broker.publish("plant/a/pump/1/speed", "7", "-r")
    url, out = f"mqtt://127.0.0.1:{broker.port}", tmp_path / "found.yaml"
    options = ("--topic", "plant/{area}/pump/+/#", "--seconds", "0.3", "--name", "gateway")
    assert await uatwin("discover", url, *options, "--out", str(out)) == (0, f"1 tags written to {out}\n")
    (tmp_path / "plant.yaml").write_text("include: [found.yaml]\nplant: {name: Found}\n")
    assert [tag.path for tag in load_plant(tmp_path / "plant.yaml").connections["gateway"].tags] == ["Pump_a_1/speed"]
    assert (await uatwin("discover", url, "--topic", "a/#/b"))[0] == 2
    assert (await uatwin("discover", "mqtt://", "--topic", "a"))[0] == 2
    assert (await uatwin("discover", f"mqtt://127.0.0.1:{free_port()}"))[0] == 1


async def uatwin(*arguments: str) -> tuple[int | None, str]:
    """Exit code and what it says on stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", *arguments, stdout=PIPE, stderr=PIPE, cwd=Path(__file__).parents[3]
    )
    _, said = await process.communicate()
    return process.returncode, said.decode()
