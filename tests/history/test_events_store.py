"""The store of past events: their order, who heard them, its bounds, and what it says when the disk refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from server.history.events_store import EventsStore, PastEvent
from server.history.store import StoreError

DAY = 86_400 * 10_000_000


def events(*times: int, heard: Sequence[str] = (), audit: bool = False) -> list[PastEvent]:
    return [PastEvent(time, 0, audit, heard, b"event %d" % time) for time in times]


def times(found: Sequence[PastEvent]) -> list[int]:
    return [one.time_ticks for one in found]


def test_events_come_in_the_order_of_time_whenever_they_were_kept(tmp_path: Path) -> None:
    store = EventsStore(tmp_path / "events.sqlite", oldest_s=0)
    store.append(events(30, 10))
    store.append(events(20, 20))
    assert times(store.read(None, (0, 0), 100, 10)) == [10, 20, 20, 30]
    assert times(store.read(None, (100, 0), 0, 10, forward=False)) == [30, 20, 20, 10]
    first, second = store.read(None, (10, 10**9), 30, 10)
    assert (first.time_ticks, second.time_ticks) == (20, 20)
    assert times(store.read(None, (first.time_ticks, first.number), 100, 10)) == [20, 30], "behind the first of the two"
    store.close()


def test_who_heard_an_event_and_whether_a_user_did_it_narrow_the_question(tmp_path: Path) -> None:
    store = EventsStore(tmp_path / "events.sqlite", oldest_s=0)
    store.append(events(1, 2, heard=("Hall", "Hall/Pump")) + events(3, heard=("Hall",)) + events(4, audit=True))
    asked = {"Hall": [1, 2, 3], "Hall/Pump": [1, 2], "Hall/Fan": []}
    assert {path: times(store.read(path, (0, 0), 100, 10)) for path in asked} == asked
    assert times(store.read(None, (0, 0), 100, 10)) == [1, 2, 3, 4]
    assert times(store.read(None, (0, 0), 100, 10, audit=False)) == [1, 2, 3]
    store.close()
    again = EventsStore(tmp_path / "events.sqlite", oldest_s=0)
    again.append(events(5, heard=("Hall/Pump",)))
    assert times(again.read("Hall/Pump", (0, 0), 100, 10)) == [1, 2, 5], "over a restart"
    again.close()


def test_the_oldest_are_forgotten_by_age_and_by_number(tmp_path: Path) -> None:
    store = EventsStore(tmp_path / "events.sqlite", oldest_s=86_400.0, most=3)
    store.append(events(*range(0, 8 * DAY, DAY), heard=("Hall",)))
    assert store.retain(4 * DAY) == 5, "three at most"
    assert (store.count(), store.oldest_ticks()) == (3, 5 * DAY)
    assert store.retain(8 * DAY) == 2, "a day at most"
    assert times(store.read("Hall", (0, 0), 9 * DAY, 10)) == [7 * DAY]
    assert store.retain(8 * DAY) == 0
    store.close()


def test_what_the_disk_refuses_is_told_and_undone(tmp_path: Path) -> None:
    store = EventsStore(tmp_path / "events.sqlite", oldest_s=0)
    store.append(events(1))
    store._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match=r"events.sqlite: events cannot be written: .*full.* Is there space"):
        store.append([PastEvent(2, 0, False, ("Hall",), b"x" * 10_000)])
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.append(events(3, heard=("Hall",)))
    assert times(store.read(None, (0, 0), 100, 10)) == [1, 3]
    store.close()


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with sqlite3.connect(path) as later:
        later.execute("PRAGMA user_version = 9")
    later.close()
    with pytest.raises(StoreError, match="written by a later version of uatwin"):
        EventsStore(path)
