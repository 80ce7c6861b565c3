"""CPU per value of the MQTT driver into the tag table, from mosquitto at QoS 1, against paho's thread and json."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL

import psutil

from benchmarks.processes import Result, free_port, line, running

_TOPICS_ONE = 1_000
_TOPICS_MANY = 100


class NoBroker(RuntimeError):
    """There is no mosquitto to measure with."""


@contextmanager
def broker() -> Iterator[tuple[int, psutil.Process]]:
    """mosquitto on a free port: the port and its process."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        raise NoBroker("mosquitto is not installed (Debian: apt-get install mosquitto)")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="uatwin-bench-") as folder:
        config = Path(folder) / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
        process = subprocess.Popen([program, "-c", str(config)], stdout=DEVNULL, stderr=DEVNULL)
        try:
            _wait_for(port)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise NoBroker("mosquitto does not listen after 10 s")


async def measure(kind: str, topics: int, values: int, rate: int, seconds: int) -> Result:
    """One receiver and one publisher at QoS 1: what the receiver counted, CPU per value, and how fast it went."""
    with broker() as (port, process):
        expected = rate * seconds
        async with running("benchmarks.mqtt_receiver", kind, port, topics, values, expected) as receiver:
            await line(receiver)
            async with running("benchmarks.mqtt_publisher", port, topics, values, rate, seconds, 1) as publisher:
                await line(publisher)
                assert publisher.stdin is not None
                publisher.stdin.write(b"\n")
                await publisher.stdin.drain()
                sent, counted = await asyncio.gather(line(publisher), line(receiver))
        times = process.cpu_times()
    return counted | {
        "cpu_us_per_value": counted["cpu_s"] * 1e6 / max(counted["values"], 1),
        "values_per_s": sent["sent"] * values / sent["seconds"],
        "broker_cpu_us_per_message": (times.user + times.system) * 1e6 / expected,
        "complete": not counted["lost"] and counted["values"] >= expected * values,
    }


async def run(rate: int = 20_000, wide_rate: int = 500, seconds: int = 10) -> AsyncIterator[Result]:
    """20,000 one-value messages/s, and 50,000 values/s in 100-value messages; the plain program at both."""
    for values, topics, per_s in ((1, _TOPICS_ONE, rate), (100, _TOPICS_MANY, wide_rate)):
        ours = await measure("uatwin", topics, values, per_s, seconds)
        plain = await measure("paho", topics, values, per_s, seconds)
        yield {
            "values_per_message": values,
            "values_per_s": round(ours["values_per_s"]),
            "cpu_us_per_value": round(ours["cpu_us_per_value"], 2),
            "cpu_us_per_message": round(ours["cpu_us_per_value"] * values, 1),
            "plain_cpu_us_per_value": round(plain["cpu_us_per_value"], 2),
            "ratio": round(plain["cpu_us_per_value"] / ours["cpu_us_per_value"], 1),
            "late_p99_ms": ours["late_p99_ms"],
            "plain_late_p99_ms": plain["late_p99_ms"],
            "lost": ours["lost"],
            "twice": ours["twice"],
            "plain_lost": plain["lost"],
            "broker_cpu_us_per_message": round(ours["broker_cpu_us_per_message"], 1),
            "good": ours["complete"] and not ours["malformed"],
        }
