"""Pages give back bit by bit what went in, of one tag or of all, and take little room for what devices send."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.data_types import DataType, to_cells
from server.history.columns import Columns
from server.history.journal import decode_batch, encode_batch
from server.history.packing import PageError
from server.history.page import TAGS, Page, encode
from server.history.words import NEVER, UNKNOWN

CELLS = st.one_of(
    st.floats(width=64).map(lambda value: int(np.float64(value).view(np.uint64))),
    st.floats(width=32).map(lambda value: int(np.float64(value).view(np.uint64))),
    st.integers(-3000, 3000).map(lambda n: int(np.float64(n * 0.1).view(np.uint64))),
    st.integers(-3000, 3000).map(lambda n: int(np.float64(n / 100).view(np.uint64))),
    st.integers(0, 2**64 - 1),
    st.just(0),
)
TICKS = st.one_of(st.integers(-(2**62), 2**62), st.integers(0, 40).map(lambda n: 134_000_000_000_000_000 + n * 10**7))
VALUES = st.tuples(st.integers(0, TAGS - 1), TICKS, TICKS, CELLS, st.sampled_from([0, 0, 0, 0x40000000, 0x80310000]))


def columns(values: list[tuple[int, int, int, int, int]], side: dict[int, bytes] | None = None) -> Columns:
    kinds = (np.int32, np.int64, np.int64, np.uint64, np.uint32)
    made = [np.array([value[k] for value in values], kind) for k, kind in enumerate(kinds)]
    return Columns(*made, side or {})


def assert_same(found: Columns, expected: Columns) -> None:
    for name in ("tag", "source_ticks", "server_ticks", "cells", "status"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)


@given(st.lists(VALUES, min_size=1, max_size=80), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_page_gives_back_what_went_in(values: list[tuple[int, int, int, int, int]], is_float: bool) -> None:
    given_ = columns(values).in_order()
    page = Page(encode(given_, np.full(TAGS, UNKNOWN if is_float else NEVER, np.uint8), 1))
    assert_same(page.all_values(), given_)
    for tag in range(0, TAGS, 7):
        assert_same(page.tag_values(tag), given_.take(given_.tag == tag))


@given(st.lists(VALUES, min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_batch_of_the_journal_comes_back_in_its_order(values: list[tuple[int, int, int, int, int]]) -> None:
    side = {values[0][3]: b"text"}
    found = decode_batch(encode_batch(columns(values, side)))
    assert_same(found, columns(values))
    assert found.side == side


def polled(values: np.ndarray, kind: DataType) -> Columns:
    """Tags that are read together once a second, with the jitter of a network; values: [TAGS, n]."""
    count = values.shape[1]
    generator = np.random.default_rng(2)
    source = 134_000_000_000_000_000 + np.arange(count) * 10**7 + generator.integers(0, 500_000, count)
    server = source + generator.integers(10_000, 40_000, count)
    cells = to_cells(values.ravel(), kind)
    tag = np.repeat(np.arange(TAGS, dtype=np.int32), count)
    return Columns(tag, np.tile(source, TAGS), np.tile(server, TAGS), cells, np.zeros(len(tag), np.uint32))


@pytest.mark.parametrize(
    ("step", "kind", "most"),
    [(0.1, DataType.Double, 0.8), (0.01, DataType.Float, 1.3), (0.0, DataType.Float, 2.9), (0.0, DataType.Double, 6.6)],
)
def test_a_value_takes_as_many_bytes_as_it_tells(step: float, kind: DataType, most: float) -> None:
    """Steps of 0.1 and 0.01, float32 and float64 with noise in the last bit; times and status are included."""
    generator = np.random.default_rng(1)
    course = 50 + np.cumsum(generator.normal(0, 0.03, (TAGS, 2000)), 1) + generator.normal(0, 0.3, (TAGS, 2000))
    given_ = polled(np.rint(course / step) * step if step else course, kind)
    page = encode(given_, np.full(TAGS, UNKNOWN, np.uint8), 3)
    assert_same(Page(page).all_values(), given_)
    assert len(page) / len(given_) < most


def test_bytes_that_are_no_page_are_told() -> None:
    page = encode(polled(np.ones((TAGS, 3)), DataType.Double), np.full(TAGS, UNKNOWN, np.uint8), 1)
    for wrong in (b"", page[:10], page[:-20]):
        with pytest.raises(PageError):
            Page(wrong).all_values()
    with pytest.raises(PageError):
        decode_batch(b"no batch")


def test_what_fitted_the_page_before_may_not_fit_the_next() -> None:
    known = np.full(TAGS, UNKNOWN, np.uint8)
    for step in (1.0, 0.1, 0.001, 0.0, 1.0):
        noise = np.random.default_rng(1).normal(50, 9, (TAGS, 30))
        given_ = polled(np.rint(noise / step) * step if step else noise, DataType.Double)
        assert_same(Page(encode(given_, known, 1)).all_values(), given_)
