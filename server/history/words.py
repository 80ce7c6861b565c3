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


NEVER: Final = 254
"""What `words_of` is told of tags whose cells hold no float64."""
UNKNOWN: Final = 255
"""What it is told of tags about which nothing is known yet."""


def words_of(
    cells: Cells, starts: npt.NDArray[np.intp], counts: npt.NDArray[np.intp], guess: npt.NDArray[np.uint8]
) -> tuple[Ints, npt.NDArray[np.uint8]]:
    """Whole numbers for cells of several tags, one after the other, and by tag the way they were made.

    starts, counts: by tag. guess: by tag the way that fitted before, NEVER or UNKNOWN. `cells_of` undoes it bit by bit.
    """
    ways = np.where(guess == NEVER, WHOLE, guess)
    values = cells.view(np.float64)
    with np.errstate(all="ignore"):
        unknown = ways == UNKNOWN
        if unknown.any():
            ways[unknown] = _best_ways(values, starts[unknown], counts[unknown])
        words, wrong = _to_words(values, np.repeat(ways, counts))
        if wrong is not None:
            failed = np.logical_or.reduceat(wrong, starts)
            ways[failed] = _best_ways(values, starts[failed], counts[failed])
            words, wrong = _to_words(values, np.repeat(ways, counts))
        if wrong is not None:
            failed = np.logical_or.reduceat(wrong, starts)
            single = np.logical_and.reduceat(_singles(values) == cells, starts)
            ways[failed] = np.where(single[failed], SINGLE, WHOLE)
            words, _ = _to_words(values, np.repeat(ways, counts))
    return words, ways


def cells_of(words: Ints, ways: npt.NDArray[np.uint8]) -> Cells:
    """The cells again; ways: by word."""
    kinds = _kinds(ways)
    with np.errstate(all="ignore"):
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
    left = np.arange(len(counts))
    for way in _CANDIDATES.tolist():
        if not len(left):
            break
        fits = (_cells_of_way(_words_of_way(sample[left], way), way) == cells[left]).all(1)
        best[left[fits]] = way
        left = left[~fits]
    return best


def _kinds(ways: npt.NDArray[np.uint8]) -> list[int]:
    return [int(way) for way in np.flatnonzero(np.bincount(ways, minlength=1))]


def _to_words(
    values: npt.NDArray[np.float64], ways: npt.NDArray[np.uint8]
) -> tuple[Ints, npt.NDArray[np.bool_] | None]:
    """The words, and where they do not give the value back; None where all do."""
    words = values.view(np.int64).copy()
    wrong: npt.NDArray[np.bool_] | None = None
    for way in _kinds(ways):
        if way == WHOLE:
            continue
        which = np.flatnonzero(ways == way)
        given = values[which]
        made = _words_of_way(given, way)
        words[which] = made
        differs = _cells_of_way(made, way) != given.view(np.uint64)
        if differs.any():
            wrong = np.zeros(len(values), np.bool_) if wrong is None else wrong
            wrong[which[differs]] = True
    return words, wrong


def _words_of_way(values: npt.NDArray[np.float64], way: int) -> Ints:
    if way == SINGLE:
        return values.astype(np.float32).view(np.int32).astype(np.int64)
    scaled = np.rint(values * _POWERS[(way - _TENTHS) // _WAYS])
    scaled[~(np.abs(scaled) < _MOST)] = 0
    words: Ints = scaled.astype(np.int64)
    return words


def _cells_of_way(words: Ints, way: int) -> Cells:
    if way == WHOLE:
        return words.view(np.uint64)
    if way == SINGLE:
        return words.astype(np.int32).view(np.float32).astype(np.float64).view(np.uint64)
    power, kind = divmod(way - _TENTHS, _WAYS)
    if kind == _MULTIPLIED:
        multiplied: npt.NDArray[np.float64] = words.astype(np.float64) * _INVERSES[power]
        return multiplied.view(np.uint64)
    divided = words.astype(np.float64) / _POWERS[power]
    return _singles(divided) if kind == _ROUNDED else divided.view(np.uint64)


def _singles(values: npt.NDArray[np.float64]) -> Cells:
    return values.astype(np.float32).astype(np.float64).view(np.uint64)
