"""Receives the publisher's messages, by uatwin's driver into a tag table or by paho's thread and json.loads, and counts
them by their numbers.

Arguments: "uatwin" or "paho", port, topics, values per message, messages expected. Says when it has subscribed, and
after all messages, or 5 s of silence, what it counted and the CPU seconds it took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.processes import Result
from drivers import mqtt
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.readings import UNIX_EPOCH_TICKS, Readings, now_ticks
from server.tags.table import TagTable

SILENCE_S: Final = 5.0


def main() -> None:
    kind, *numbers = sys.argv[1:]
    port, topics, values, expected = (int(number) for number in numbers)
    receive = _uatwin if kind == "uatwin" else _paho
    print(json.dumps(asyncio.run(receive(port, topics, values, expected))), flush=True)


async def _until_done(received: Callable[[], int], expected: int) -> float:
    """CPU seconds that the process took from now until all is there, or nothing comes any more."""
    print(json.dumps({"ready": True}), flush=True)
    began, last, since_s = time.process_time(), 0, time.monotonic() + SILENCE_S
    while last < expected and time.monotonic() - since_s < SILENCE_S:
        await asyncio.sleep(0.1)
        if received() != last:
            last, since_s = received(), time.monotonic()
    return time.process_time() - began


def _result(numbers: Any, late_ms: Any, values: int, expected: int, cpu_s: float) -> Result:
    """numbers: of the message each value came in."""
    seen = np.bincount(numbers, minlength=expected)
    return {
        "values": len(numbers),
        "lost": int(np.maximum(values - seen, 0).sum()),
        "twice": int(np.maximum(seen - values, 0).sum()),
        "late_p99_ms": round(float(np.percentile(late_ms, 99)), 1) if len(late_ms) else None,
        "cpu_s": cpu_s,
    }


async def _uatwin(port: int, topics: int, values: int, expected: int) -> Result:
    connection = mqtt.connection_model(host="127.0.0.1", port=port, qos=1)
    rows = [(topic, field) for topic in range(topics) for field in range(values)]
    bindings = [
        Binding(row, f"Topic{topic}/Field{field}", DataType.Double, 0, _point(topic, field, values), 1.0, False)
        for row, (topic, field) in enumerate(rows)
    ]
    table = TagTable([DataType.Double] * len(bindings))
    batches: list[tuple[int, Readings]] = []
    driver = mqtt.create("bench", connection, bindings)

    def deliver(batch: Readings) -> None:
        table.commit(batch)
        batches.append((now_ticks(), batch))

    await driver.connect()
    observing = asyncio.create_task(driver.observe(deliver))
    while driver.traffic.responses < -(-topics // 100):  # noqa: ASYNC110 - a counter has no event
        await asyncio.sleep(0.01)
    cpu_s = await _until_done(lambda: table.readings, expected * values)
    observing.cancel()
    await asyncio.gather(observing, return_exceptions=True)
    await driver.close()
    good = [batch.value[batch.status == 0].view(np.float64).astype(np.int64) for _, batch in batches]
    late = [(came - batch.source_ticks) / 10_000 for came, batch in batches]
    result = _result(np.concatenate(good), np.concatenate(late), values, expected, cpu_s)
    return result | {"batches": len(batches), "malformed": driver.traffic.malformed}


def _point(topic: int, field: int, values: int) -> Any:
    path = "$.v" if values == 1 else f"$.v{field}"
    return mqtt.point_model(topic=f"bench/{topic}", value=path, timestamp="$.ts")


async def _paho(port: int, topics: int, values: int, expected: int) -> Result:
    """What a program does that uses paho as its documentation shows: its thread, json.loads, a call per message."""
    current: dict[tuple[str, str], tuple[float, int]] = {}
    numbers: list[float] = []
    late_ms: list[float] = []

    def on_message(_client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        document = json.loads(message.payload)
        stamp = document.pop("ts")
        document.pop("n", None)
        for name, value in document.items():
            current[message.topic, name] = value, stamp * 10_000 + UNIX_EPOCH_TICKS
            numbers.append(value)
        late_ms.append(time.time() * 1000 - stamp)

    client = paho.Client(CallbackAPIVersion.VERSION2, "plain")
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.subscribe("bench/#", 1)
    client.loop_start()
    await asyncio.sleep(0.5)
    cpu_s = await _until_done(lambda: len(numbers), expected * values)
    client.disconnect()
    client.loop_stop()
    return _result(np.array(numbers).astype(np.int64), np.array(late_ms), values, expected, cpu_s)


if __name__ == "__main__":
    main()
