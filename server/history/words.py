"""Values as small whole numbers: how cells of process data lose most of their 64 bits without losing anything.

A device gives 23.7 as 237 tenths, or as a float32; written down as such numbers, and each as the difference from the
one before, most bytes of a column are zero. After the idea of ALP (Afroozeh, Kuffo, Boncz: "ALP: Adaptive Lossless
floating-Point Compression", 2023).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Cells = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
WHOLE: Final = 0
"""The cell as it is."""
SINGLE: Final = 1
"""The bits of the float32 of the same value."""
_TENTHS: Final = 2
"""From here on: n / 10**k, n * 10**-k, and the float32 nearest to n / 10**k, for k = 0, 1, ..."""
_POWERS: Final = 10.0 ** np.arange(6)
_INVERSES: Final = np.array([1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001])
_DIVIDED, _MULTIPLIED, _ROUNDED = 0, 1, 2
_WAYS: Final = 3
_MOST: Final = 2.0**53
_SAMPLED: Final = 12
_CANDIDATES: Final = np.array(
    [
        _TENTHS + _WAYS * power + way
        for power in range(len(_POWERS))
        for way in (_DIVIDED, _MULTIPLIED, _ROUNDED)
        if power or way != _MULTIPLIED
    ],
    np.uint8,
)


def words_of(
    cells: npt.NDArray[np.uint64],
    starts: npt.NDArray[np.intp],
    counts: npt.NDArray[np.intp],
    is_float: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Whole numbers for cells of several tags, one after the other, and by tag the way they were made.

    starts, counts, is_float: by tag. `cells_of` undoes it, bit by bit.
    """
    ways = np.full(len(counts), WHOLE, np.uint8)
    if not is_float.any():
        return cells.view(np.int64), ways
    values = cells.view(np.float64)
    ways[is_float] = _best_ways(values, starts[is_float], counts[is_float])
    every = np.repeat(ways, counts)
    words = _to_words(values, cells, every)
    wrong = cells_of(words, every) != cells
    if wrong.any():
        failed = np.logical_or.reduceat(wrong, starts) & is_float
        ways[failed] = np.where(_all_single(values, cells, starts)[failed], SINGLE, WHOLE)
        every = np.repeat(ways, counts)
        words = _to_words(values, cells, every)
    return words, ways


def cells_of(words: Ints, ways: npt.NDArray[np.uint8]) -> Cells:
    """The cells again; ways: by word."""
    kinds = _kinds(ways)
    if len(kinds) == 1:
        return _cells_of_way(words, kinds[0])
    cells = np.empty(len(words), np.uint64)
    for way in kinds:
        which = np.flatnonzero(ways == way)
        cells[which] = _cells_of_way(words[which], way)
    return cells


def _best_ways(
    values: npt.NDArray[np.float64], starts: npt.NDArray[np.intp], counts: npt.NDArray[np.intp]
) -> npt.NDArray[np.uint8]:
    """By tag the first way that a sample of its values survives; the caller tries it on all."""
    steps = np.linspace(0.0, 1.0, _SAMPLED)
    sample = values[starts[:, None] + (steps * (counts[:, None] - 1)).astype(np.intp)]
    cells = sample.view(np.uint64)
    best = np.where((_singles(sample) == cells).all(1), SINGLE, WHOLE).astype(np.uint8)
    open_ = np.arange(len(counts))
    for way in _CANDIDATES:
        if not len(open_):
            break
        some = sample[open_]
        fits = (_cells_of_way(_words_of_way(some, int(way)), int(way)) == cells[open_]).all(1)
        best[open_[fits]] = way
        open_ = open_[~fits]
    return best


def _kinds(ways: npt.NDArray[np.uint8]) -> list[int]:
    return [int(way) for way in np.flatnonzero(np.bincount(ways, minlength=1))]


def _to_words(values: npt.NDArray[np.float64], cells: Cells, ways: npt.NDArray[np.uint8]) -> Ints:
    kinds = _kinds(ways)
    words = np.empty(len(values), np.int64)
    for way in kinds:
        which = slice(None) if len(kinds) == 1 else np.flatnonzero(ways == way)
        words[which] = cells[which].view(np.int64) if way == WHOLE else _words_of_way(values[which], way)
    return words


def _words_of_way(values: npt.NDArray[np.float64], way: int) -> Ints:
    with np.errstate(all="ignore"):
        if way == SINGLE:
            return values.astype(np.float32).view(np.int32).astype(np.int64)
        scaled = np.rint(values * _POWERS[(way - _TENTHS) // _WAYS])
        scaled[~(np.abs(scaled) < _MOST)] = 0
        words: Ints = scaled.astype(np.int64)
    return words


def _cells_of_way(words: Ints, way: int) -> Cells:
    if way == WHOLE:
        return words.view(np.uint64)
    with np.errstate(all="ignore"):
        if way == SINGLE:
            return words.astype(np.int32).view(np.float32).astype(np.float64).view(np.uint64)
        power, kind = divmod(way - _TENTHS, _WAYS)
        if kind == _MULTIPLIED:
            multiplied: npt.NDArray[np.float64] = words.astype(np.float64) * _INVERSES[power]
            return multiplied.view(np.uint64)
        values = words.astype(np.float64) / _POWERS[power]
        return _singles(values) if kind == _ROUNDED else values.view(np.uint64)


def _singles(values: npt.NDArray[np.float64]) -> Cells:
    with np.errstate(all="ignore"):
        return values.astype(np.float32).astype(np.float64).view(np.uint64)


def _all_single(values: npt.NDArray[np.float64], cells: Cells, starts: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    return np.logical_and.reduceat(_singles(values) == cells, starts)
