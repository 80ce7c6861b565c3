"""The standard's own worked examples (Part 13, Annex A, AggregateExamples.csv of 1.05)."""

from __future__ import annotations

import math

import pytest

from analytics.aggregates import AGGREGATES, Processed, processed
from analytics.series import TICKS_PER_SECOND
from tests.simulators.part13 import Example, Row, read_corrections, read_examples

HISTORIANS, EXAMPLES = read_examples()
CORRECTIONS = read_corrections()


def computed(example: Example) -> Processed:
    historian = HISTORIANS[example.historian]
    span, step = 100 * TICKS_PER_SECOND, example.interval_s * TICKS_PER_SECOND
    return processed(example.aggregate, historian.series, 0, span, step, historian.config, stepped=historian.stepped)


def matches(result: Processed, index: int, row: Row) -> bool:
    """The published figures are rounded to three or four decimals."""
    value = float(result.values[index])
    same = math.isnan(value) if math.isnan(row.value) else abs(value - row.value) < 6e-4
    return same and result.ticks[index] == round(row.second * TICKS_PER_SECOND) and result.status[index] == row.status


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.aggregate}-{example.historian}")
def test_an_example_of_the_annex_comes_out(example: Example) -> None:
    result = computed(example)
    assert len(result) == len(example.rows)
    for index, published in enumerate(example.rows):
        key = (example.aggregate, example.historian, index * example.interval_s)
        assert matches(result, index, CORRECTIONS.get(key, published)), (
            f"{key}: {result.values[index]} {result.status[index]:#x} at {result.ticks[index] / TICKS_PER_SECOND}"
        )


def test_every_aggregate_has_an_example_and_every_correction_corrects_one() -> None:
    assert {example.aggregate for example in EXAMPLES} == {aggregate.name for aggregate in AGGREGATES}
    rows = {
        (example.aggregate, example.historian, index * example.interval_s): row
        for example in EXAMPLES
        for index, row in enumerate(example.rows)
    }
    assert all(rows[key] != correction for key, correction in CORRECTIONS.items())
    assert (len(rows), len(CORRECTIONS)) == (1358, 27)
