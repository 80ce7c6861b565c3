"""A publisher against mosquitto: nothing lost over a broken uplink, nothing twice, commands and their answers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from drivers.readings import TICKS_PER_SECOND, now_ticks
from server.publish.plain_json import PlainJson, PlainSettings
from server.publish.pubsub_json import PubSubJson, PubSubSettings
from server.publish.pubsub_metadata import Description
from server.publish.queue import Bounds, Queue
from server.publish.reduced import Keep, Plan
from server.publish.reduction import Reduction
from tests.publish.conftest import START, Desk
from tests.simulators.mqtt_broker import MqttBroker
from tests.simulators.publishers import BOUNDS, Ear, publishing, speeds
from tests.simulators.waiting import until


def plain(desk: Desk, **settings: Any) -> PlainJson:
    return PlainJson(PlainSettings(**settings), desk.plant, desk.layout, desk.table)


async def test_what_is_committed_reaches_a_subscriber_and_leaves_the_queue(desk: Desk, tmp_path: Path) -> None:
    with MqttBroker() as broker, Ear(broker.port) as ear:
        await until(lambda: ear.subscribed)
        async with publishing(desk, broker, tmp_path, plain(desk)) as publisher:
            await until(lambda: publisher.connected)
            desk.table.commit(speeds(desk, range(1, 101)))
            await until(lambda: len(ear.values("Hall/Loop/Pump/Speed")) == 100)
            await until(lambda: publisher.queue.values == 0)
        assert ear.values("Hall/Loop/Pump/Speed") == list(range(1, 101))
        await until(lambda: ear.heard[-1].topic == "Hall/$online" and ear.heard[-1].payload == b"false")


async def test_a_broker_that_dies_and_comes_back_costs_no_value_and_none_comes_out_of_order(
    desk: Desk, tmp_path: Path
) -> None:
    with MqttBroker(persistent=True) as broker, Ear(broker.port) as ear:
        await until(lambda: ear.subscribed)
        async with publishing(desk, broker, tmp_path, plain(desk)) as publisher:
            await until(lambda: publisher.connected)
            for number in range(1, 301):
                desk.table.commit(speeds(desk, [number]))
                if number == 100:
                    broker.stop()  # it saves what it has for its subscribers, as one that is updated does
                if number == 200:
                    await until(lambda: not publisher.connected)
                    broker.start()
                await asyncio.sleep(0.002)
            await until(lambda: publisher.connected)
            await until(lambda: len(set(ear.values("Hall/Loop/Pump/Speed"))) == 300, 20)
            await until(lambda: publisher.queue.values == 0)
        assert set(ear.values("Hall/Loop/Pump/Speed")) == set(range(1, 301))


async def test_a_subscriber_that_counts_sequence_numbers_sees_no_gap_though_the_broker_was_restarted(
    desk: Desk, tmp_path: Path
) -> None:
    """Part 14, 7.2.5.4.1: SequenceNumber grows by one with each message of a DataSetWriter."""
    described = Description("urn:edge", "uatwin", (), "cloud", "edge1", desk.sets)
    form = PubSubJson(PubSubSettings("edge1"), desk.layout, desk.table, described)
    with MqttBroker(persistent=True) as broker, Ear(broker.port) as ear:
        await until(lambda: ear.subscribed)
        async with publishing(desk, broker, tmp_path, form) as publisher:
            await until(lambda: publisher.connected)
            for number in range(1, 401):
                desk.table.commit(speeds(desk, [number]))
                if number in (100, 250):
                    broker.stop()
                    await until(lambda: not publisher.connected)
                    broker.start()
                await asyncio.sleep(0.002)
            await until(lambda: publisher.connected, 20)
            await until(lambda: publisher.queue.values == 0, 20)
            await until(lambda: _told(ear)[1][-1:] == [400.0], 20)
        sequence, values = _told(ear)
    first_time = list(dict.fromkeys(sequence))  # QoS 1 may bring a message twice
    assert first_time == list(range(len(first_time)))
    assert set(values) >= set(range(1, 401))


def _told(ear: Ear) -> tuple[list[int], list[float]]:
    """Sequence numbers of the pump's messages and the speeds in them, as they came."""
    of_pump = [json.loads(one.payload) for one in ear.heard if one.topic.endswith("json/data/edge1/Line/Loop.Pump")]
    frames = [frame for body in of_pump for frame in body["Messages"]]
    speeds_told = [frame["Payload"]["Speed"]["Value"] for frame in frames if "Speed" in frame["Payload"]]
    return [frame["SequenceNumber"] for frame in frames], speeds_told


async def test_what_waited_when_the_process_was_killed_is_sent_by_the_next_one_in_order(
    desk: Desk, tmp_path: Path
) -> None:
    tags = [(tag.path, int(tag.data_type)) for tag in desk.plant.tags]
    queue = Queue(tmp_path / "queue.db", tags, BOUNDS)
    plan = Plan.uniform(len(tags), Keep.every)
    reduction = Reduction(plan, desk.table.data_type, desk.table.in_side)
    for first in range(0, 5000, 50):
        queue.append(reduction.take(speeds(desk, range(first, first + 50))), now_ticks())
    with MqttBroker() as broker, Ear(broker.port) as ear:
        await until(lambda: ear.subscribed)
        async with publishing(desk, broker, tmp_path, plain(desk)) as publisher:
            await until(lambda: publisher.connected)
            desk.table.commit(speeds(desk, [9999]))
            await until(lambda: len(ear.values("Hall/Loop/Pump/Speed")) == 5001, 20)
            await until(lambda: publisher.queue.values == 0)
        drained = [value for value in ear.values("Hall/Loop/Pump/Speed") if value != 9999]
        assert drained == list(range(5000))


def test_the_queue_is_bounded_by_size_and_by_age_and_counts_what_it_gives_up(desk: Desk, tmp_path: Path) -> None:
    tags = [(tag.path, int(tag.data_type)) for tag in desk.plant.tags]
    queue = Queue(tmp_path / "queue.db", tags, Bounds(20_000, 100 * TICKS_PER_SECOND))
    reduction = Reduction(Plan.uniform(len(tags), Keep.every), desk.table.data_type, desk.table.in_side)
    for number in range(100):
        queue.append(reduction.take(speeds(desk, range(20 * number, 20 * number + 20))), START)
    assert queue.bytes <= 20_000
    assert queue.values + queue.dropped == 2000
    assert queue.dropped
    queue.append(reduction.take(speeds(desk, [5000])), START + 101 * TICKS_PER_SECOND)
    assert (queue.values, queue.dropped) == (1, 2000)
    queue.close()


async def test_an_order_is_carried_out_and_answered_on_the_response_topic(desk: Desk, tmp_path: Path) -> None:
    with MqttBroker() as broker, Ear(broker.port) as ear:
        await until(lambda: ear.subscribed)
        async with publishing(desk, broker, tmp_path, plain(desk, commands=True)) as publisher:
            await until(lambda: publisher.connected)
            await broker.publish("Hall/Loop/Pump/Setpoint/set", "1500", "-q", "1")
            answer = "Hall/Loop/Pump/Setpoint/set/result"
            await until(lambda: any(one.topic == answer for one in ear.heard))
            (heard,) = [one for one in ear.heard if one.topic == answer]
            said = json.loads(heard.payload)
            assert (said["status"], said["value"], said["reason"]) == ("BadInvalidState", 1500, "Tank is empty")


async def test_a_broker_that_is_not_there_is_named_once_and_tried_again(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with MqttBroker() as broker:
        broker.stop()
        async with publishing(desk, broker, tmp_path, plain(desk)) as publisher:
            await until(lambda: publisher.counters.last_error)
            assert f"127.0.0.1:{broker.port} cannot be reached" in publisher.counters.last_error
            desk.table.commit(speeds(desk, [1, 2, 3]))
            await until(lambda: publisher.queue.values == 3)
