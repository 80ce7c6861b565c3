"""Sessions the broker keeps, and subscriptions that several bridges share."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from drivers.errors import LinkLost
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.waiting import until

VERSIONS = pytest.mark.parametrize("version", ["3.1.1", "5"])
KEPT = {"persistent_session": True, "client_id": "keeper"}


@VERSIONS
@pytest.mark.parametrize("qos", [1, 2])
async def test_a_persistent_session_brings_what_was_published_meanwhile(
    broker: MqttBroker, observe: Any, tag: Any, version: str, qos: int
) -> None:
    settings = {**KEPT, "version": version, "qos": qos}
    seen = await observe(broker.port, [tag(0, topic="t")], **settings)
    await seen.stop()
    for number in range(5):
        await broker.publish("t", str(number), "-q", str(qos))
    again = await observe(broker.port, [tag(0, topic="t")], **settings)
    await again.until(0, 4)
    assert again.values(0) == [0, 1, 2, 3, 4]


@VERSIONS
async def test_a_broker_killed_with_queued_messages_brings_them_when_it_is_back(
    observe: Any, tag: Any, version: str
) -> None:
    with MqttBroker(persistent=True) as broker:
        settings = {**KEPT, "version": version, "qos": 1}
        seen = await observe(broker.port, [tag(0, topic="t")], **settings)
        await broker.publish("t", "0", "-q", "1")
        await seen.until(0, 0)
        await seen.stop()
        for number in range(1, 6):
            await broker.publish("t", str(number), "-q", "1")
        await broker.saved()
        broker.kill()
        broker.start()
        again = await observe(broker.port, [tag(0, topic="t")], **settings)
        await again.until(0, 5)
        assert again.values(0)[-5:] == [1, 2, 3, 4, 5]


@VERSIONS
async def test_what_a_broker_could_not_deliver_before_it_was_killed_comes_after(
    observe: Any, tag: Any, version: str
) -> None:
    """The bridge is connected, and the broker dies in the middle of a burst: every number arrives at least once."""
    with MqttBroker(persistent=True) as broker:
        settings = {**KEPT, "version": version, "qos": 1}
        seen = await observe(broker.port, [tag(0, topic="t")], **settings)
        sending = asyncio.create_task(broker.publish_lines("t", [str(number) for number in range(2000)]))
        await until(lambda: len(seen.values(0)) > 200)
        broker.stop()
        with pytest.raises(LinkLost):
            await seen.task
        broker.start()
        await sending
        again = await observe(broker.port, [tag(0, topic="t")], **settings)
        await again.until(0, 1999)
        assert set(seen.values(0)) | set(again.values(0)) == set(range(2000))


@VERSIONS
async def test_bridges_that_share_a_subscription_divide_its_messages(
    broker: MqttBroker, observe: Any, tag: Any, version: str
) -> None:
    topic = "$share/bridges/plant/+/power"
    one, two = [
        await observe(broker.port, [tag(0, topic=topic)], version=version, client_id=name) for name in ("one", "two")
    ]
    for number in range(20):
        await broker.publish(f"plant/{number}/power", str(number))
    await until(lambda: len(one.values(0)) + len(two.values(0)) == 20)
    assert sorted(one.values(0) + two.values(0)) == list(range(20))
    assert one.values(0)
    assert two.values(0)
