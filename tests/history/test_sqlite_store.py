"""The embedded store: what survives a kill, what a full disk does, and that its file stays small and sound."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from benchmarks.processes import ROOT
from drivers.readings import TICKS_PER_SECOND
from server.history.sqlite_store import SqliteStore
from server.history.store import Block, StoreError
from tests.simulators.disks import small_disk
from tests.simulators.history_writer import TAGS, batch_ticks

T0 = 134_000_000_000_000_000
ALWAYS = (-(2**63), 2**63 - 1)


def killed(what: str, file: Path, lines: int) -> list[int]:
    """The numbers that a writing process said before it was killed with SIGKILL, `lines` of them at least."""
    command = [sys.executable, "-m", "tests.simulators.history_writer", what, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()
        said += [int(line) for line in process.stdout.read().split(b"\n")[:-1]]
    return said


def test_after_kill_9_every_batch_that_was_acknowledged_is_there_and_the_file_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "h.sqlite"
    for lines in (5, 43, 150):
        acknowledged = killed("store", file, lines)[-1]
        store = SqliteStore(file)
        for tag in (1, TAGS // 2, TAGS):
            ticks = store.read(tag, *ALWAYS).source_ticks
            assert ticks[: acknowledged + 1].tolist() == [batch_ticks(n) for n in range(acknowledged + 1)]
        held = store.figures().values
        store.close()
        assert held % TAGS == 0
        connection = sqlite3.connect(file)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        file.unlink()


def test_after_kill_9_of_a_bridge_at_most_the_last_second_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "h.sqlite"
    committed = killed("bridge", file, 150)
    store = SqliteStore(file)
    found = store.read(1, *ALWAYS).source_ticks.tolist()
    store.close()
    assert found == committed[: len(found)]
    writing_s = 0.5  # the batch that was being written when it was killed; a disk under load takes its time
    assert (committed[-1] - found[-1]) / TICKS_PER_SECOND < 1.0 + writing_s


def day_of(tags: int, start: int, values: int) -> Block:
    """Values of each tag, a second apart, by time."""
    tag = np.tile(np.arange(1, tags + 1, dtype=np.int32), values)
    ticks = T0 + np.repeat(np.arange(start, start + values), tags) * TICKS_PER_SECOND
    cells = np.rint(1000 + 50 * np.sin(ticks / 3e9) + tag).astype(np.uint64)
    return Block(tag, ticks, ticks + 20_000, cells, np.zeros(len(tag), np.uint32))


def test_pages_are_joined_and_a_value_then_takes_less_than_a_byte(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "h.sqlite", pending_values=1000)
    store.tag_ids([(f"A/T{n}", 8) for n in range(100)])
    for start in range(0, 3000, 10):
        store.append(day_of(100, start, 10))
        store.tidy(1.0)
    pages = sqlite3.connect(tmp_path / "h.sqlite").execute("SELECT level, count(*) FROM page GROUP BY level").fetchall()
    assert sum(count for _, count in pages) < 2 * (16 + 16 + 2)
    assert {level for level, _ in pages} >= {1, 2}
    store.retain(0, 1)  # nothing but giving back what is free: a page is always more than a byte
    store.close()


def test_values_are_small_on_disk_and_right_after_all_joining(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "h.sqlite", pending_values=20_000)
    store.tag_ids([(f"A/T{n}", 8) for n in range(100)])
    for start in range(0, 4000, 100):
        store.append(day_of(100, start, 100))
        store.tidy(1.0)
    expected = day_of(100, 0, 4000)
    for tag in (1, 64, 65, 100):
        mine = expected.tag == tag
        found = store.read(tag, *ALWAYS)
        np.testing.assert_array_equal(found.source_ticks, expected.source_ticks[mine])
        np.testing.assert_array_equal(found.server_ticks, expected.server_ticks[mine])
        np.testing.assert_array_equal(found.cells, expected.cells[mine])
    store.close()
    assert (tmp_path / "h.sqlite").stat().st_size < 400_000


def test_a_full_disk_loses_no_value_that_was_stored_and_writing_goes_on_once_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        store = SqliteStore(disk.folder / "h.sqlite", pending_values=5000)
        store.tag_ids([(f"A/T{n}", 11) for n in range(10)])
        noise = np.random.default_rng(1)
        stored, refusals = 0, list[str]()
        while len(refusals) < 3 and stored < 5000:
            try:
                store.append(_noise(noise, stored))
                stored += 1
            except StoreError as error:
                refusals.append(str(error))
                disk.fill_up()
        assert ["make room" in one for one in refusals] == [True] * 3
        assert len(store.read(3, *ALWAYS)) == stored * 100
        disk.make_room()
        for _ in range(10):
            store.append(_noise(noise, stored))
            stored += 1
        store.close()
        again = SqliteStore(disk.folder / "h.sqlite")
        assert len(again.read(3, *ALWAYS)) == stored * 100
        assert again.figures().values == stored * 1000
        again.close()


def _noise(generator: np.random.Generator, number: int) -> Block:
    tag = np.tile(np.arange(1, 11, dtype=np.int32), 100)
    ticks = T0 + number * TICKS_PER_SECOND + np.repeat(np.arange(100), 10)
    return Block(tag, ticks, ticks, generator.integers(0, 2**63, 1000).astype(np.uint64), np.zeros(1000, np.uint32))


def test_the_file_stays_within_its_size_while_values_are_written(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "h.sqlite", pending_values=5000)
    store.tag_ids([(f"A/T{n}", 11) for n in range(10)])
    noise, most = np.random.default_rng(1), 2_000_000
    for number in range(400):
        store.append(_noise(noise, number))
        if number % 20 == 19:
            store.retain(0, most)
            assert store.figures().bytes < most
    left = store.read(1, *ALWAYS).source_ticks
    assert 0 < len(left) < 40_000
    assert left[-1] == T0 + 399 * TICKS_PER_SECOND + 99
    store.close()


def test_another_process_may_read_while_one_writes_but_not_write(tmp_path: Path) -> None:
    file = tmp_path / "h.sqlite"
    with pytest.raises(StoreError, match="there is no such history"):
        SqliteStore(file, read_only=True)
    store = SqliteStore(file, pending_values=30_000)
    store.tag_ids([(f"A/T{n}", 8) for n in range(100)])
    for start in (0, 100, 200, 300):
        store.append(day_of(100, start, 100))
    reader = SqliteStore(file, read_only=True)
    assert len(reader.read(7, *ALWAYS)) == 400
    store.append(day_of(100, 400, 300))
    store.tidy(1.0)
    assert len(reader.read(7, *ALWAYS)) >= 400
    with pytest.raises(StoreError, match="another process writes this history"):
        SqliteStore(file)
    reader.close()
    store.close()
    SqliteStore(file).close()


def test_readers_see_every_value_while_pages_are_written_and_joined(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "h.sqlite", pending_values=700)
    store.tag_ids([(f"A/T{n}", 8) for n in range(100)])
    written, wrong, ended = [0], [], threading.Event()

    def read() -> None:
        while not ended.is_set():
            least = written[0]
            found = store.read(9, *ALWAYS)
            if len(found) < least or np.any(np.diff(found.source_ticks) != TICKS_PER_SECOND):
                wrong.append((least, len(found)))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for start in range(300):
        store.append(day_of(100, start, 1))
        written[0] = start + 1
        store.tidy(0.05)
    ended.set()
    for reader in readers:
        reader.join()
    store.close()
    assert wrong == []


@pytest.mark.parametrize("content", [b"no database at all, but some text", None])
def test_a_file_that_is_no_history_is_refused_in_words(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "h.sqlite"
    if content is None:
        other = sqlite3.connect(file)
        other.execute("CREATE TABLE someone_elses (a)")
        other.close()
    else:
        file.write_bytes(content * 100)
    with pytest.raises(StoreError, match=r"choose another path|move it away"):
        SqliteStore(file)


def test_a_damaged_page_is_told_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "h.sqlite"
    store = SqliteStore(file, pending_values=1)
    store.tag_ids([(f"A/T{n}", 8) for n in range(100)])
    store.append(day_of(100, 0, 10))
    store.close()
    connection = sqlite3.connect(file)
    connection.execute("UPDATE page SET data = substr(data, 1, 40)")
    connection.commit()
    connection.close()
    store = SqliteStore(file)
    with pytest.raises(StoreError, match=r"h\.sqlite: the file is damaged"):
        store.read(1, *ALWAYS)
    store.close()
