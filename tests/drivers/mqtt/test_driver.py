"""The driver against mosquitto: readings, retained messages, commands, both protocol versions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest

from drivers import mqtt
from drivers.data_types import DataType
from drivers.driver import Pushed, Writable
from drivers.errors import DeviceTimeout, LinkLost, Refused, ValueNotAccepted
from drivers.readings import now_ticks, ticks_from_unix
from drivers.status import Status
from tests.simulators.mqtt_broker import MqttBroker, PurePythonBroker
from tests.simulators.waiting import until

VERSIONS = pytest.mark.parametrize("version", ["3.1.1", "5"])


@VERSIONS
async def test_the_fields_of_one_message_go_to_many_tags(
    broker: MqttBroker, observe: Any, tag: Any, version: str
) -> None:
    common = {"topic": "plant/pump", "timestamp": "$.ts", "quality": "$.q"}
    tags = [
        tag(0, DataType.Float, value="$.speed", **common),
        tag(1, DataType.Int16, value="$.axes[1].count", scale=2.0, **common),
        tag(2, DataType.Boolean, value="$.running", **common),
        tag(3, DataType.String, value='$["state text"]', **common),
        tag(4, DataType.Float, value="$.spectrum", array_length=3, **common),
        tag(5, DataType.UInt64, value="$.total", **common),
    ]
    seen = await observe(broker.port, tags, version=version)
    message = {
        "ts": 1_700_000_000_250,
        "q": 64,
        "speed": 1450.5,
        "axes": [{}, {"count": 21}],
        "running": "on",
        "state text": "grün",
        "spectrum": [1, 2, 3],
        "total": 2**64 - 1,
    }
    await broker.publish("plant/pump", json.dumps(message))
    await seen.until(5)
    assert len(seen.batches) == 1, "one wake-up is one batch"
    assert seen.batches[0].row.dtype == np.int32
    stamp = ticks_from_unix(1_700_000_000.25)
    expected = [1450.5, 42, True, "grün", None, 2**64 - 1]
    for row, value in enumerate(expected):
        ((told, status, ticks),) = seen.readings(row)
        assert (status, ticks) == (Status.Uncertain, stamp)
        assert np.array_equal(told, [1, 2, 3]) if row == 4 else told == value
    assert seen.driver.traffic.malformed == 0


@VERSIONS
async def test_plain_numbers_carry_the_time_they_arrived(
    broker: MqttBroker, observe: Any, tag: Any, version: str
) -> None:
    seen = await observe(broker.port, [tag(7, topic="t/level", scale=0.1)], version=version)
    before = now_ticks()
    await broker.publish("t/level", "125")
    await seen.until(7, 12.5, Status.Good)
    ((_, _, ticks),) = seen.readings(7)
    assert before <= ticks <= now_ticks()


async def test_wildcards_reach_every_topic_they_match(broker: MqttBroker, observe: Any, tag: Any) -> None:
    tags = [tag(0, topic="a/+/c"), tag(1, topic="a/#"), tag(2, topic="a/b/c"), tag(3, topic="#"), tag(4, topic="+/b")]
    seen = await observe(broker.port, tags)
    await broker.publish("a/b/c", "1")
    await broker.publish("a/x/c", "2")
    await broker.publish("a", "3")
    await broker.publish("end", "9")
    await seen.until(3, 9)
    # a broker may send a message once for each subscription it matches; the last value is what counts
    assert [list(dict.fromkeys(seen.values(row))) for row in range(5)] == [[1, 2], [1, 2, 3], [1], [1, 2, 3, 9], []]


async def test_a_wildcard_leaves_the_brokers_own_topics_alone(observe: Any, tag: Any) -> None:
    with MqttBroker(options="sys_interval 1") as broker:
        seen = await observe(broker.port, [tag(0, DataType.String, topic="#"), tag(1, DataType.String, topic="$SYS/#")])
        await seen.until(1)
        await broker.publish("x", "mine")
        await seen.until(0, "mine")
        assert seen.values(0) == ["mine"]


async def test_a_retained_message_is_only_the_last_usable_value(broker: MqttBroker, observe: Any, tag: Any) -> None:
    await broker.publish("t", '{"v": 5, "ts": 1700000000}', "-r")
    tags = [
        tag(0, topic="t", value="$.v"),
        tag(1, topic="t", value="$.v", retained="good"),
        tag(2, topic="t", value="$.v", retained="ignore"),
        tag(3, topic="t", value="$.v", timestamp="$.ts"),
    ]
    seen = await observe(broker.port, tags)
    await seen.until(3)
    assert seen.last(0) == (5, Status.UncertainLastUsableValue)
    assert seen.last(1) == (5, Status.Good)
    assert seen.readings(2) == []
    assert seen.readings(3) == [(5, Status.Good, ticks_from_unix(1_700_000_000))]
    await broker.publish("t", '{"v": 6}', "-r")
    await seen.until(2, 6, Status.Good)
    assert seen.last(0) == (6, Status.Good)


async def test_malformed_messages_are_counted_and_never_become_a_value(
    broker: MqttBroker, observe: Any, tag: Any
) -> None:
    tags = [tag(0, DataType.Byte, topic="t", value="$.v"), tag(1, topic="end")]
    seen = await observe(broker.port, tags)
    for payload in ('{"v": ', '{"v": "much"}', '{"v": 300}', '{"w": 1}', "\udcff".encode("utf-8", "surrogateescape")):
        await broker.publish("t", payload)
    await broker.publish("end", "1")
    await seen.until(1)
    expected = [Status.BadDecodingError, Status.BadTypeMismatch, Status.BadOutOfRange, Status.BadDecodingError]
    assert [(value, status) for value, status, _ in seen.readings(0)] == [(None, status) for status in expected]
    assert seen.driver.traffic.malformed == 5
    assert seen.driver.traffic.last_malformed.startswith("t: not UTF-8")


async def test_a_deleted_retained_message_is_no_value(broker: MqttBroker, observe: Any, tag: Any) -> None:
    seen = await observe(broker.port, [tag(0, topic="t")])
    await broker.publish("t", "1", "-r")
    await broker.publish("t", "", "-r")
    await broker.publish("t", "2")
    await seen.until(0, 2)
    assert seen.values(0) == [1, 2]
    assert seen.driver.traffic.malformed == 0


async def test_a_last_will_turns_tags_bad_at_once_and_back_online_is_no_value(
    broker: MqttBroker, observe: Any, tag: Any
) -> None:
    present = {"topic": "pump/status"}
    tags = [tag(0, topic="pump/speed", availability=present), tag(1, topic="other"), tag(2, topic="end")]
    seen = await observe(broker.port, tags)
    will = ("--will-topic", "pump/status", "--will-payload", "offline", "--will-qos", "1")
    device = await broker.listen("pump/nothing", *will)
    await broker.publish("pump/speed", "1450")
    await broker.publish("other", "1")
    await seen.until(0, 1450, Status.Good)
    await device.close()  # killed: its connection breaks, and the broker sends the will
    await seen.until(0, None, Status.BadNoCommunication)
    await broker.publish("pump/status", "online")
    await broker.publish("end", "1")
    await seen.until(2)
    assert seen.last(0) == (None, Status.BadNoCommunication)
    assert seen.last(1) == (1, Status.Good)
    await broker.publish("pump/speed", "1451")
    await seen.until(0, 1451, Status.Good)


async def test_a_device_that_is_offline_when_we_come_stays_bad_until_it_is_back(
    broker: MqttBroker, observe: Any, tag: Any
) -> None:
    await broker.publish("speed", "1450", "-r")
    await broker.publish("status", '{"state": "away"}', "-r")
    present = {"topic": "status", "value": "$.state", "online": "here", "offline": "away"}
    seen = await observe(
        broker.port, [tag(0, topic="speed", write_topic="w", writable=True), tag(1, topic="end")], availability=present
    )
    await broker.publish("status", '{"state": "dunno"}')
    await broker.publish("end", "1")
    await until(lambda: seen.driver.traffic.responses >= 6)
    assert {status for _, status, _ in seen.readings(0)} == {Status.BadNoCommunication}
    assert "neither" in seen.driver.traffic.last_malformed
    with pytest.raises(Refused, match="offline") as caught:
        await seen.driver.write(0, 1.0)
    assert caught.value.told_status == Status.BadNoCommunication
    await broker.publish("status", '{"state": "here"}')
    await seen.until(0, 1450, Status.UncertainLastUsableValue)


@VERSIONS
@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_a_command_is_published_and_confirmed_by_its_state_topic(
    broker: MqttBroker, observe: Any, tag: Any, version: str, qos: int
) -> None:
    command = tag(
        0,
        topic="valve/state",
        write_topic="valve/set",
        write_template={"setpoint": "$value"},
        scale=0.1,
        write_qos=qos,
        value="$.position",
        writable=True,
    )
    seen = await observe(broker.port, [command], version=version, qos=qos)
    device = await broker.listen("valve/set", "-q", str(qos))
    await seen.driver.write(0, 42.5)
    asked = json.loads(await device.payload("valve/set"))
    assert asked == {"setpoint": 425}
    await broker.publish("valve/state", json.dumps({"position": asked["setpoint"]}))
    await seen.until(0, 42.5, Status.Good)
    await device.close()


async def test_a_boolean_is_sent_in_the_devices_words(broker: MqttBroker, observe: Any, tag: Any) -> None:
    command = tag(0, DataType.Boolean, write_topic="fan", write_words=["OFF", "ON"], retain=True, writable=True)
    seen = await observe(broker.port, [command])
    await seen.driver.write(0, True)
    device = await broker.listen("fan")
    assert await device.payload("fan") == b"ON"
    await device.close()


async def test_a_command_that_reaches_no_device_is_refused_where_the_broker_tells(
    broker: MqttBroker, observe: Any, tag: Any
) -> None:
    seen = await observe(broker.port, [tag(0, write_topic="nobody", writable=True)], version="5")
    with pytest.raises(Refused, match="no device listens on nobody") as caught:
        await seen.driver.write(0, 1.0)
    assert (caught.value.code, caught.value.told_status) == (0x10, Status.BadNoCommunication)


async def test_the_brokers_refusal_reaches_the_one_who_writes(observe: Any, tag: Any) -> None:
    with MqttBroker(acl="topic read #\n") as broker:
        seen = await observe(broker.port, [tag(0, write_topic="w", writable=True)], version="5")
        with pytest.raises(Refused, match="Not authorized") as caught:
            await seen.driver.write(0, 1.0)
    assert (caught.value.code, caught.value.told_status) == (0x87, Status.BadUserAccessDenied)


async def test_a_command_is_never_sent_late(broker: MqttBroker, observe: Any, tag: Any) -> None:
    tags = [tag(0, write_topic="w", writable=True), tag(1, topic="t")]
    seen = await observe(broker.port, tags, client_id="one", persistent_session=True, write_timeout_s=0.3)
    broker.freeze()
    with pytest.raises(DeviceTimeout, match=r"w within 0.3 s"):
        await seen.driver.write(0, 1.0)
    broker.kill()
    with pytest.raises(LinkLost):
        await seen.task
    with pytest.raises(LinkLost, match="not connected"):
        await seen.driver.write(0, 2.0)
    broker.start()
    device = await broker.listen("w")
    await seen.driver.connect()
    await seen.driver.write(0, 3.0)
    assert await device.payload("w") == b"3.0"
    await device.close()


async def test_what_cannot_be_sent_is_not_accepted(broker: MqttBroker, observe: Any, tag: Any) -> None:
    seen = await observe(broker.port, [tag(0, write_topic="w", writable=True), tag(1, topic="t")])
    with pytest.raises(ValueNotAccepted):
        await seen.driver.write(0, float("nan"))
    with pytest.raises(ValueNotAccepted):
        await seen.driver.write(1, 1.0)


async def test_many_messages_are_few_batches_and_none_is_lost(broker: MqttBroker, observe: Any, tag: Any) -> None:
    """At QoS 1 nothing may be missing."""
    seen = await observe(broker.port, [tag(0, DataType.Int32, topic="t")], qos=1)
    lines = "\n".join(str(number) for number in range(3000))
    process = await asyncio.create_subprocess_exec(
        *("mosquitto_pub", "-p", str(broker.port), "-t", "t", "-q", "1", "-l"), stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(lines.encode())
    await seen.until(0, 2999)
    assert seen.values(0) == list(range(3000))
    assert len(seen.batches) < 2000


async def test_the_driver_works_with_a_pure_python_broker_too(observe: Any, tag: Any) -> None:
    async with PurePythonBroker() as broker:
        tags = [tag(0, topic="a/+", value="$.v"), tag(1, topic="s", write_topic="s", write_qos=1, writable=True)]
        seen = await observe(broker.port, tags)
        await seen.driver.write(1, 7.5)
        await seen.until(1, 7.5, Status.Good)
        await seen.stop()


def test_the_driver_keeps_the_contract(tag: Any) -> None:
    connection = mqtt.connection_model(host="127.0.0.1")
    driver = mqtt.create("x", connection, [tag(0, topic="t")])
    assert isinstance(driver, Pushed)
    assert isinstance(driver, Writable)
