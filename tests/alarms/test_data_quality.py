"""Data quality: each problem is found by itself, shown while it lasts, and nothing else is."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.plants import doubles
from drivers.data_types import DataType
from drivers.readings import TICKS_PER_SECOND, Readings, ticks_from_unix
from server.alarms.data_quality import DataQuality
from server.config.plant import Plant, Twin
from server.config.quality_settings import QualitySettings
from server.tags.table import TagTable


class Rig:
    """Tags that wander around 50 in a range of 0 to 100, a value each second."""

    def __init__(self, tags: int, settings: QualitySettings | None = None) -> None:
        self.now = ticks_from_unix(1.8e9)
        plant = doubles(tags)
        self.plant = replace(plant, twins=tuple(_measured(twin) for twin in plant.twins))
        self.table = TagTable([DataType.Double] * tags, clock=lambda: self.now)
        self.quality = DataQuality(self.plant, self.table, settings)
        self._random = np.random.default_rng(1)
        self._rows = np.arange(tags, dtype=np.int32)
        self._values = np.full(tags, 50.0)

    def seconds(self, count: int, instead: dict[int, float | None] | None = None) -> None:
        """Let time pass; instead: values of single rows, None for no reading at all."""
        for _ in range(count):
            self.now += TICKS_PER_SECOND
            self._values += 0.2 * (50 - self._values) + self._random.normal(0, 1, len(self._rows))
            sent, kept = self._values.copy(), np.ones(len(self._rows), np.bool_)
            for row, value in (instead or {}).items():
                kept[row] = value is not None
                sent[row] = value or 0.0
            self.commit(self._rows[kept], sent[kept])
            self.quality.update(self.now)

    def commit(self, rows: np.ndarray, values: np.ndarray) -> None:
        status, ticks = np.zeros(len(rows), np.uint32), np.full(len(rows), self.now)
        self.table.commit(Readings(rows.astype(np.int32), values.view(np.uint64), status, ticks))

    def doubtful(self) -> dict[int, str]:
        return {int(row): self.quality.text(int(row)) for row in np.flatnonzero(self.quality.doubtful())}


def _measured(twin: Twin) -> Twin:
    telemetry = tuple(replace(tag, connection="c", range=(0.0, 100.0)) for tag in twin.telemetry)
    return replace(twin, telemetry=telemetry, children=tuple(_measured(child) for child in twin.children))


def test_good_values_raise_no_doubt_in_an_hour() -> None:
    rig = Rig(100)
    rig.seconds(3600)
    assert rig.doubtful() == {}


def test_a_sensor_that_is_stuck_is_a_flat_line_until_it_moves_again() -> None:
    rig = Rig(5)
    rig.seconds(60)
    rig.seconds(25, {2: 33.0})
    assert rig.doubtful() == {}
    rig.seconds(10, {2: 33.0})
    assert rig.doubtful() == {2: "FlatLine"}
    rig.seconds(2)
    assert rig.doubtful() == {}


def test_a_machine_that_stands_still_at_0_and_a_value_that_hardly_ever_changes_are_no_flat_lines() -> None:
    rig = Rig(5)
    rig.seconds(60, {3: 42.0})
    rig.seconds(600, {2: 0.0, 3: 42.0})
    assert rig.doubtful() == {}


def test_one_reading_far_off_is_a_spike_and_a_step_that_stays_is_none() -> None:
    rig = Rig(5)
    rig.seconds(60)
    rig.seconds(1, {1: 95.0, 2: 95.0})
    rig.seconds(1, {2: 95.1})
    rig.seconds(1, {2: 95.0})
    assert rig.doubtful() == {1: "Spike"}
    rig.seconds(62, {2: 95.0 - 1e-9})
    assert 1 not in rig.doubtful()


def test_a_value_beyond_its_range_and_a_gap_are_told() -> None:
    rig = Rig(5)
    rig.seconds(30)
    rig.seconds(10, {0: 101.0, 4: None})
    assert rig.doubtful() == {0: "OutOfRange", 4: "Gap"}
    rig.seconds(2)
    assert rig.doubtful() == {4: "Gap"}, "a gap shows for a minute after it is over"
    rig.seconds(60)
    assert rig.doubtful() == {}


def test_tags_can_be_left_out_and_what_was_learned_outlives_a_reload() -> None:
    rig = Rig(5)
    rig.seconds(60)
    rig.seconds(20, {2: 33.0})
    rig.quality.adopt(rig.plant)
    rig.seconds(15, {2: 33.0})
    assert rig.doubtful() == {2: "FlatLine"}
    rig.quality.adopt(rig.plant, QualitySettings(ignore=("**/Tag2",)))
    rig.seconds(5, {2: 33.0})
    assert rig.doubtful() == {}


def test_the_flags_version_changes_with_the_flags_only() -> None:
    rig = Rig(3)
    rig.seconds(10)
    before = rig.quality.version.copy()
    rig.seconds(5)
    assert np.array_equal(rig.quality.version, before)
    rig.seconds(1, {1: 101.0})
    assert (rig.quality.version != before).tolist() == [False, True, False]


@pytest.mark.parametrize("tags", [50_000])
def test_fifty_thousand_tags_cost_a_small_part_of_a_second(tags: int) -> None:
    rig = Rig(tags)
    rig.seconds(3)
    took = []
    for _ in range(5):
        rig.now += TICKS_PER_SECOND
        rig.commit(np.arange(tags), np.random.default_rng(2).random(tags))
        began = time.process_time()
        rig.quality.update(rig.now)
        took.append(time.process_time() - began)
    assert min(took) < 0.02, took


def test_what_is_not_measured_is_not_judged() -> None:
    plant: Plant = doubles(3)
    quality = DataQuality(plant, TagTable([DataType.Double] * 3))
    quality.update(ticks_from_unix(1.8e9))
    assert quality.text(0) == "Good"
