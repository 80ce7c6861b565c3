"""Edge reduction of 50,000 values/s of the demo's physics, messages/s to mosquitto, drain of a million values."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.ingest_mqtt import broker
from benchmarks.processes import Result, ask, line, running, until
from benchmarks.publish_plant import START_TICKS, batches, courses, plant_of
from drivers.data_types import DataType
from drivers.readings import TICKS_PER_SECOND, Readings, now_ticks
from server.config.plant import Plant
from server.publish.collector import Collector
from server.publish.contract import Order
from server.publish.datasets import Layout, data_sets
from server.publish.mqtt_session import Broker, MqttSession
from server.publish.publisher import Pace, Publisher
from server.publish.pubsub_json import PubSubJson, PubSubSettings
from server.publish.pubsub_metadata import Description
from server.publish.queue import Bounds, Queue
from server.publish.reduced import Keep, Plan, Reduced
from server.publish.reduction import Reduction
from server.tags.table import TagTable

_PERCENT = 1.0
_BOUNDS = Bounds(2_000_000_000, 10**15)


async def run(tags: int = 50_000, seconds: int = 120, queued: int = 1_000_000) -> AsyncIterator[Result]:
    """Reduction at 1 % of range by swinging door and by deadband; then messages to a broker, and a queue's drain."""
    names, ranges, course = courses(seconds)
    plant = plant_of(names, ranges, tags)
    door = _reduce(plant, Keep.door, list(batches(course, tags)))
    yield dict(door)
    yield _reduce(plant, Keep.change, list(batches(course, tags)))
    sent = await _send(plant, list(batches(course, tags)))
    yield dict(sent)
    drained = await _drain(plant, queued)
    yield dict(drained)
    figures = {key: door[key] for key in ("reduction", "max_error", "cpu_us_per_value")}
    yield {**figures, "messages_per_s": sent["messages_per_s"], "drain_per_s": drained["drain_per_s"]}


def _plan(plant: Plant, keep: Keep) -> Plan:
    """1 % of the range; tags without one (states, counters) go out when they change."""
    plan = Plan.uniform(len(plant.tags), Keep.change)
    spans = np.array([tag.range[1] - tag.range[0] if tag.range else 0.0 for tag in plant.tags])
    plan.bound[:] = spans * _PERCENT / 100.0
    plan.keep[spans > 0] = keep
    plan.longest_ticks[:] = 60 * TICKS_PER_SECOND
    return plan


def _reduce(plant: Plant, keep: Keep, course: list[Readings]) -> Result:
    table = TagTable([DataType.Float] * len(plant.tags))
    plan = _plan(plant, keep)
    reduction = Reduction(plan, table.data_type, table.in_side)
    began = time.process_time()
    sent = [reduction.take(batch) for batch in course]
    cpu_s = time.process_time() - began
    sent.append(reduction.flush(START_TICKS, np.arange(len(plant.tags))))
    values = sum(len(batch) for batch in course)
    told = Reduced.concat(sent)
    error = _largest_error(plan, keep, course, told.readings)
    return {
        "method": keep.name,
        "values": values,
        "reduction": round(1 - len(told) / values, 4),
        "max_error": round(error * _PERCENT / 100.0, 6),
        "cpu_us_per_value": round(cpu_s * 1e6 / values, 3),
        "good": error <= 1 + 1e-6,
    }


def _largest_error(plan: Plan, keep: Keep, course: list[Readings], told: Readings) -> float:
    """How far what a subscriber draws is from what was measured, as a share of the bound."""
    seconds, rows = len(course), len(plan.bound)
    measured = np.stack([batch.value.view(np.float64) for batch in course])
    drawn = np.full((seconds, rows), np.nan)
    at = (told.source_ticks - START_TICKS) // TICKS_PER_SECOND
    drawn[at, told.row] = told.value.view(np.float64)
    last, after = _held(drawn), _held(drawn[::-1])[::-1]
    second = np.broadcast_to(np.arange(seconds)[:, None], drawn.shape)
    known = ~np.isnan(drawn)
    before_at = np.maximum.accumulate(np.where(known, second, -1))
    after_at = np.minimum.accumulate(np.where(known, second, seconds)[::-1])[::-1]
    line_share = (second - before_at) / np.maximum(after_at - before_at, 1)
    course_of = last + line_share * (after - last) if keep is Keep.door else last
    off = np.abs(course_of - measured)[:, plan.bound > 0] / plan.bound[plan.bound > 0]
    exact = plan.bound == 0
    return float("inf") if (last[:, exact] != measured[:, exact]).any() else float(off.max())


def _held(drawn: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    index = np.where(np.isnan(drawn), 0, np.arange(len(drawn))[:, None])
    return np.take_along_axis(drawn, np.maximum.accumulate(index), axis=0)


async def _nobody(order: Order) -> tuple[int, str]:
    raise AssertionError("nobody gives orders here")


@contextlib.asynccontextmanager
async def _publishing(
    plant: Plant, table: TagTable, plan: Plan, port: int, queue: Queue, pace: Pace
) -> AsyncIterator[Publisher]:
    layout = Layout(data_sets(plant, {"Twins": frozenset(tag.path for tag in plant.tags)}, plan), len(plant.tags))
    described = Description("urn:bench", "bench", (), "bench", "bench", layout.sets)
    feed, stop = table.feed("bench", 10_000_000)
    settings = PubSubSettings("bench", key_frame_s=0, keep_alive_s=0)
    publisher = Publisher(
        "bench",
        Collector(feed, layout, table, Reduction(plan, table.data_type, table.in_side)),
        queue,
        PubSubJson(settings, layout, table, described),
        partial(MqttSession, Broker("127.0.0.1", port, "bench")),
        _nobody,
        pace,
    )
    task = asyncio.create_task(publisher.run())
    try:
        await until(lambda: publisher.connected)
        yield publisher
    finally:
        stop()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _queue(plant: Plant, folder: str) -> Queue:
    return Queue(Path(folder) / "queue.db", [(tag.path, int(tag.data_type)) for tag in plant.tags], _BOUNDS)


async def _send(plant: Plant, course: list[Readings]) -> Result:
    """All of the course as fast as it goes through table, reduction, queue, JSON and broker to a subscriber."""
    table = TagTable([DataType.Float] * len(plant.tags))
    with tempfile.TemporaryDirectory() as folder, broker() as (port, _):
        async with running("benchmarks.publish_subscriber", port) as subscriber:
            await line(subscriber)
            pace = Pace(0.05, 1_000_000)
            async with _publishing(
                plant, table, _plan(plant, Keep.door), port, _queue(plant, folder), pace
            ) as publisher:
                began, cpu = time.perf_counter(), time.process_time()
                for batch in course:
                    table.commit(batch)
                    await until(lambda: not publisher.collector.waiting)
                await until(lambda: not publisher.queue.values)
                took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
                counters = publisher.counters
                heard = await _heard(subscriber, counters.sent)
    values = sum(len(batch) for batch in course)
    return {
        "method": "publish",
        "messages_per_s": round(counters.messages / took_s),
        "cpu_us_per_message": round(cpu_s * 1e6 / counters.messages, 1),
        "cpu_us_per_value": round(cpu_s * 1e6 / values, 3),
        "values_per_message": round(counters.sent / counters.messages, 1),
        "lost": counters.values - heard["values"],
        "good": counters.values == heard["values"] and not heard["gaps"],
    }


async def _drain(plant: Plant, queued: int) -> Result:
    """What waited on disk goes out in order, as fast as broker and subscriber take it."""
    table = TagTable([DataType.Float] * len(plant.tags))
    with tempfile.TemporaryDirectory() as folder, broker() as (port, _):
        queue = _queue(plant, folder)
        each = 2_500
        for number in range(queued // each):
            queue.append(Reduced.values(_some(each, number, len(plant.tags))), now_ticks())
        async with running("benchmarks.publish_subscriber", port) as subscriber:
            await line(subscriber)
            pace = Pace(0.05, 10_000_000)
            async with _publishing(plant, table, _plan(plant, Keep.change), port, queue, pace) as publisher:
                began = time.perf_counter()
                await until(lambda: not publisher.queue.values)
                took_s = time.perf_counter() - began
                heard = await _heard(subscriber, queued)
    good = heard["values"] == queued and not heard["gaps"]
    return {"method": "drain", "drain_per_s": round(queued / took_s), "lost": queued - heard["values"], "good": good}


def _some(count: int, number: int, rows: int) -> Readings:
    """Values of neighbouring machines, as a reduction leaves them."""
    row = ((np.arange(count) * 20 + number) % rows).astype(np.int32)
    cells = np.random.default_rng(number).normal(50, 5, count).astype(np.float32).astype(np.float64).view(np.uint64)
    ticks = np.full(count, START_TICKS + number * TICKS_PER_SECOND, np.int64)
    return Readings(row, cells, np.zeros(count, np.uint32), ticks)


async def _heard(subscriber: asyncio.subprocess.Process, expected: int) -> Result:
    """What the subscriber counted, once it has all or nothing more comes."""
    last = -1
    while True:
        heard = await ask(subscriber)
        if heard["values"] >= expected or heard["values"] == last:
            return heard
        last = heard["values"]
        await asyncio.sleep(1.0)
