"""What is known of stretches of readings, in a form in which two that follow one another become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

Columns = npt.NDArray[np.float64]
"""float64[stretches, signals]."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Stretches of readings of several signals: what `analytics.features.Measured` says of each. time: mean of their
    times, seconds since a time that is the same for all."""

    count: Columns
    mean: Columns
    m2: Columns
    m3: Columns
    m4: Columns
    time: Columns
    time_m2: Columns
    time_value: Columns
    magnitude: Columns
    travel: Columns
    minimum: Columns
    maximum: Columns
    first: Columns
    last: Columns

    @property
    def energy(self) -> Columns:
        """Sum of squares."""
        return self.m2 + self.count * self.mean**2

    def __len__(self) -> int:
        return len(self.count)

    def __getitem__(self, stretches: slice | npt.NDArray[np.intp]) -> Moments:
        return Moments(*(one[stretches] for one in self.columns()))

    def columns(self) -> tuple[Columns, ...]:
        """All of them, in order."""
        return tuple(getattr(self, name) for name in _NAMES)

    def settled(self) -> Moments:
        """Flat, one after the other; with no spread at all where all values are the same, whatever rounding left."""
        flat = [one.reshape(-1) for one in self.columns()]
        flat[_NAMES.index("m2")] = np.where(self.minimum == self.maximum, 0.0, self.m2).reshape(-1)
        return Moments(*flat)

    @staticmethod
    def nothing(stretches: int, signals: int) -> Moments:
        """Stretches without a reading."""
        return Moments(*(np.full((stretches, signals), _EMPTY.get(name, 0.0)) for name in _NAMES))


_NAMES: Final = tuple(field.name for field in fields(Moments))
_EMPTY: Final = {"minimum": np.inf, "maximum": -np.inf}


def laid_end_to_end(parts: Sequence[Moments]) -> Moments:
    """All stretches of several, in order."""
    return Moments(*(np.concatenate(columns) for columns in zip(*(one.columns() for one in parts), strict=True)))


def merged(older: Moments, newer: Moments) -> Moments:
    """Each two stretches as one (Pebay 2008, SAND2008-6212, eq. 2.1 and 3.1: no difference of large sums)."""
    a, b = older.count, newer.count
    n = a + b
    share = np.divide(b, n, out=np.zeros_like(n), where=n > 0)
    rest = np.divide(a, n, out=np.zeros_like(n), where=n > 0)
    d, dt = newer.mean - older.mean, newer.time - older.time
    both = a * share
    d2 = d * d
    return Moments(
        n,
        older.mean + d * share,
        older.m2 + newer.m2 + d2 * both,
        older.m3 + newer.m3 + d * (d2 * both * (rest - share) + 3.0 * (rest * newer.m2 - share * older.m2)),
        older.m4
        + newer.m4
        + d2 * (d2 * both * (rest * rest - rest * share + share * share))
        + 6.0 * d2 * (rest * rest * newer.m2 + share * share * older.m2)
        + 4.0 * d * (rest * newer.m3 - share * older.m3),
        older.time + dt * share,
        older.time_m2 + newer.time_m2 + dt * dt * both,
        older.time_value + newer.time_value + d * dt * both,
        older.magnitude + newer.magnitude,
        older.travel + newer.travel + np.where(both > 0, np.abs(newer.first - older.last), 0.0),
        np.minimum(older.minimum, newer.minimum),
        np.maximum(older.maximum, newer.maximum),
        np.where(a > 0, older.first, newer.first),
        np.where(b > 0, newer.last, older.last),
    )


def of_groups(values: Columns, seconds: Columns, begins: npt.NDArray[np.intp]) -> Moments:
    """Of readings that are laid end to end (float64[n] each), a stretch from each begin to the next; float64[groups]
    each. No group is empty."""
    sizes = np.diff(begins, append=len(values))
    count = sizes.astype(np.float64)
    mean, time = np.add.reduceat(values, begins) / count, np.add.reduceat(seconds, begins) / count
    off, apart = values - np.repeat(mean, sizes), seconds - np.repeat(time, sizes)
    square = off * off
    change = np.abs(np.diff(values, prepend=values[:1]))
    change[begins] = 0.0
    return Moments(
        count,
        mean,
        np.add.reduceat(square, begins),
        np.add.reduceat(square * off, begins),
        np.add.reduceat(square * square, begins),
        time,
        np.add.reduceat(apart * apart, begins),
        np.add.reduceat(apart * off, begins),
        np.add.reduceat(np.abs(values), begins),
        np.add.reduceat(change, begins),
        np.minimum.reduceat(values, begins),
        np.maximum.reduceat(values, begins),
        values[begins],
        values[begins + sizes - 1],
    )
