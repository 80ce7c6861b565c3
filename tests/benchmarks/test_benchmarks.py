"""Every benchmark runs, small, says what it should say, and finds its own work right."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from asyncio.subprocess import PIPE

import numpy as np
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from benchmarks import command, commit, notify, read, start
from benchmarks.counting_client import SPAN, Counter
from benchmarks.data_values import as_records
from benchmarks.processes import ROOT


async def test_commit_says_how_many_rows_a_second() -> None:
    (result,) = [one async for one in commit.run(rows=1_000, batches=200)]
    assert result["good"]
    assert result["rows_per_s"] > 0
    assert 0 < result["p50_ms"] <= result["worst_ms"]


async def test_notify_counts_every_value_and_compares_with_stock_asyncua() -> None:
    (result,) = [one async for one in notify.run(items=200, stock_items=20, seconds=1.0, period_s=0.2)]
    assert result["good"]
    assert result["lost"] == 0
    assert result["cpu_us_per_value"] > 0
    assert result["stock_cpu_us_per_value"] > 0
    assert result["ratio"] > 0


async def test_read_compares_both_ways_with_stock_asyncua() -> None:
    (result,) = [one async for one in read.run(items=200, seconds=0.3)]
    assert result["good"]
    assert result["wrong"] == 0
    for key in ("cpu_us_per_value", "registered_cpu_us_per_value", "stock_cpu_us_per_value"):
        assert result[key] > 0
    assert result["ratio"] > 1
    assert result["registered_ratio"] > 1


async def test_command_times_writes_that_the_device_has() -> None:
    (result,) = [one async for one in command.run(writes=25)]
    assert result["good"]
    assert 0 < result["bare_p50_ms"] <= result["bare_p99_ms"]
    assert 0 < result["p50_ms"] <= result["p99_ms"]
    assert 0 < result["read_back_p50_ms"] <= result["read_back_p99_ms"]


async def test_start_times_the_demo_and_plants_of_a_size() -> None:
    demo, plant = [one async for one in start.run(sizes=(200,), settle_s=0.2)]
    assert plant["tags"] == 200
    assert demo["tags"] > 100
    for result in (demo, plant):
        assert result["good"]
        assert result["seconds"] > 0
        assert result["rss_mb"] > 50
        assert result["total_mb"] >= result["rss_mb"]


async def test_the_command_prints_json_lines() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "bench", "commit", "--json", stdout=PIPE, stderr=PIPE, cwd=ROOT
    )
    said, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    results = [json.loads(one) for one in said.splitlines()]
    assert [one["bench"] for one in results] == ["commit"]
    assert "good" not in results[0]


def _notification(*values: tuple[int, int, int], status: int = 0) -> bytes:
    """A DataChangeNotification of (handle, tick, item), with both timestamps."""
    items = [struct.pack("<IBBdqq", handle, 0x0D, 11, tick * SPAN + item, 1, 1) for handle, tick, item in values]
    if status:
        items = [one[:4] + b"\x0f" + one[5:14] + struct.pack("<I", status) + one[14:] for one in items]
    return struct.pack("<i", len(items)) + b"".join(items) + struct.pack("<i", -1)


def test_the_counter_finds_no_fault_with_ticks_in_order() -> None:
    counter = Counter(2)
    counter.take(_notification((0, 5, 0), (1, 5, 1)))
    counter.take(_notification((0, 6, 0), (1, 6, 1)))
    assert (counter.values, counter.lost, counter.wrong, counter.mixed) == (4, 0, 0, 0)


def test_the_counter_finds_ticks_that_were_skipped_or_came_twice() -> None:
    counter = Counter(2)
    counter.take(_notification((0, 5, 0), (1, 5, 1)))
    counter.take(_notification((0, 8, 0), (1, 5, 1)))
    assert counter.lost == 3


def test_the_counter_finds_a_tick_skipped_between_two_of_one_message() -> None:
    counter = Counter(1)
    counter.take(_notification((0, 5, 0), (0, 6, 0), (0, 8, 0)))
    assert (counter.values, counter.lost) == (3, 1)


def test_the_counter_finds_values_of_another_item() -> None:
    counter = Counter(2)
    counter.take(_notification((0, 5, 1), (1, 5, 1)))
    assert counter.wrong == 1


def test_the_counter_finds_messages_with_values_that_are_not_good() -> None:
    counter = Counter(1)
    counter.take(_notification((0, 5, 0), status=0x8031_0000))
    assert (counter.values, counter.mixed) == (0, 1)


def test_records_are_taken_only_from_good_doubles() -> None:
    good = struct_to_binary(ua.DataValue(ua.Variant(2.5, ua.VariantType.Double)))
    records = as_records(good * 3, 3)
    assert records is not None
    assert records["value"].tolist() == [2.5, 2.5, 2.5]
    bad = struct_to_binary(ua.DataValue(StatusCode=ua.StatusCode(ua.UInt32(0x8031_0000))))
    other = struct_to_binary(ua.DataValue(ua.Variant(np.int64(1).item(), ua.VariantType.Int64)))
    assert as_records(bad, 1) is None
    assert as_records(other, 1) is None
    assert as_records(good + b"\x00", 1) is None
