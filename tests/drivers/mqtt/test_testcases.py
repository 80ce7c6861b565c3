"""Each folder of tests/testcases/mqtt: a plant file, messages as devices send them, and what becomes of them.

messages.yaml: in order, {topic, payload or hex, retained}, or {write: tag, value, topic, payload}: a command and the
message that the device must get. expected.txt: per tag the last value, its status, and its time where the message says
it; then the number of malformed messages and, where there are any, the last one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from drivers import mqtt
from drivers.readings import UNIX_EPOCH_TICKS, now_ticks
from drivers.status import name
from server.config.connections import bindings_of
from server.config.load import load_plant
from tests.drivers.mqtt.conftest import Observed, subscribed
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.waiting import until

FOLDERS = sorted((Path(__file__).parents[2] / "testcases" / "mqtt").iterdir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
async def test_messages_become_what_is_expected(broker: MqttBroker, folder: Path) -> None:
    connection = load_plant(folder / "plant.yaml").connections["broker"]
    expected = (folder / "expected.txt").read_text().splitlines()
    messages: list[dict[str, Any]] = yaml.safe_load((folder / "messages.yaml").read_text())
    bindings = bindings_of(connection.tags)
    driver = mqtt.create("broker", connection.settings.model_copy(update={"port": broker.port}), bindings)
    began = now_ticks()
    await driver.connect()
    seen = Observed(driver, bindings)
    try:
        await subscribed(seen, 1)
        for message in messages:
            await _happen(broker, seen, message)
        await until(lambda: _told(seen, began) == expected, within_s=5)
    except AssertionError:
        assert _told(seen, began) == expected
    finally:
        await seen.stop()


async def _happen(broker: MqttBroker, seen: Observed, message: dict[str, Any]) -> None:
    if "write" not in message:
        payload = bytes.fromhex(message["hex"]) if "hex" in message else message["payload"]
        await broker.publish(message["topic"], payload, "-q", "1", *(["-r"] if message.get("retained") else []))
        return
    device = await broker.listen(message["topic"])
    (row,) = [one.row for one in seen.bindings if one.path == message["write"]]
    await seen.driver.write(row, message["value"])
    assert (await device.payload(message["topic"])).decode() == message["payload"]
    await device.close()


def _told(seen: Observed, began: int) -> list[str]:
    lines = [f"{one.path}: {_reading(seen, one.row, began)}" for one in seen.bindings]
    traffic = seen.driver.traffic
    return [*sorted(lines), f"malformed {traffic.malformed} {traffic.last_malformed}".rstrip()]


def _reading(seen: Observed, row: int, began: int) -> str:
    if not seen.readings(row):
        return "nothing"
    value, status, ticks = seen.readings(row)[-1]
    shown = "" if value is None else repr(value.tolist() if isinstance(value, np.ndarray) else value) + " "
    time = "" if value is None or ticks >= began else " " + _iso(ticks)
    return f"{shown}{name(status)}{time}"


def _iso(ticks: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=(ticks - UNIX_EPOCH_TICKS) // 10)
    return moment.isoformat().replace("+00:00", "Z")
