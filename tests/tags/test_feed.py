"""A feed hands on every committed batch in order, bounded, and says what it lost."""

from __future__ import annotations

import asyncio
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drivers.readings import Readings
from server.tags.feed import Feed
from server.tags.table import TagTable


def numbered(first: int, count: int) -> Readings:
    """Readings of row 0 with the source ticks first, first + 1, ..."""
    zeros = np.zeros(count, np.int32), np.zeros(count, np.uint64), np.zeros(count, np.uint32)
    return Readings(*zeros, np.arange(first, first + count))


def ticks(batches: list[Readings]) -> list[int]:
    return [int(tick) for batch in batches for tick in batch.source_ticks]


async def test_a_consumer_gets_what_was_committed_in_order():
    table = TagTable([11])
    feed, end = table.feed("history", 100)
    table.commit(numbered(0, 3))
    table.commit(numbered(3, 2))
    assert ticks(await feed.wait()) == [0, 1, 2, 3, 4]
    assert feed.drain() == []
    end()
    table.commit(numbered(5, 1))
    assert feed.drain() == []


async def test_it_waits_until_something_is_committed():
    feed = Feed("history", 100)
    waiting = asyncio.create_task(feed.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    feed.push(numbered(0, 1))
    assert ticks(await waiting) == [0]


def test_a_consumer_that_falls_behind_loses_the_oldest_and_the_loss_is_counted():
    feed = Feed("history", 10)
    for first in range(0, 50, 5):
        feed.push(numbered(first, 5))
    assert feed.lost == 40
    assert ticks(feed.drain()) == list(range(40, 50))


def test_a_batch_larger_than_the_feed_is_still_handed_on():
    feed = Feed("history", 10)
    feed.push(numbered(0, 5))
    feed.push(numbered(5, 50))
    assert feed.lost == 5
    assert ticks(feed.drain()) == list(range(5, 55))


@given(st.integers(1, 700), st.lists(st.one_of(st.none(), st.integers(1, 60)), max_size=80), st.integers(0, 600))
def test_what_comes_out_and_what_is_lost_is_what_went_in(capacity, steps, singles):
    feed = Feed("history", capacity)
    pushed, received, largest = 0, [], 1
    for count in [*steps, *[1] * singles, None]:
        if count is None:
            received += ticks(feed.drain())
            assert feed.waiting == 0
        else:
            feed.push(numbered(pushed, count))
            pushed += count
            largest = max(largest, count)
            assert feed.waiting <= max(capacity, largest)
    assert len(received) + feed.lost == pushed
    assert received == sorted(set(received))
    assert not pushed or received[-1] == pushed - 1


def test_the_memory_of_many_small_batches_follows_their_readings():
    feed = Feed("history", 100_000)
    for number in range(20_000):
        feed.push(numbered(number, 1))
    batches = feed.drain()
    assert len(batches) < 400
    assert sum(_bytes(batch) for batch in batches) < 20_000 * 60
    assert ticks(batches) == list(range(20_000))


def _bytes(batch: Readings) -> int:
    columns = (batch.row, batch.value, batch.status, batch.source_ticks)
    return sum(sys.getsizeof(column) for column in columns) + sys.getsizeof(batch) + sys.getsizeof(batch.side)
