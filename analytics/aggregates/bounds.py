"""Bounding values at the edges of intervals: simple and interpolated ones (Part 13, 3.1.8 and 3.1.9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.aggregates import status
from analytics.aggregates.intervals import Ticks
from analytics.aggregates.request import Places, Request, Severities, Values
from analytics.aggregates.status import Codes, Flags


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """k bounding values. values: float64[k], NaN where Bad. codes: uint32[k] without bits, Bad_NoData where there is
    none. severity: uint8[k] of the codes, where a raw value counts as the configuration says. raw: intp[k], the value
    of the series that lies there, -1 where the bound was interpolated or is none. source: intp[k], the value that the
    bound equals because it lies there or is held, -1 where the bound lies on a line or is none."""

    ticks: Ticks
    values: Values
    codes: Codes
    severity: Severities
    raw: Places
    source: Places

    @property
    def interpolated(self) -> Flags:
        """Where there is a bound that is no raw value."""
        return (self.raw < 0) & (self.severity < 2)


def simple(request: Request, ticks: Ticks, severity: Severities | None = None) -> Bounds:
    """From the values next to each time, even Bad ones; none after the last value. severity: of the values, by
    default as the configuration says."""
    severity = request.severity if severity is None else severity
    n = len(request.ticks)
    if not n:
        return _none(ticks)
    after = np.searchsorted(request.ticks, ticks, "right")
    exact = after > np.searchsorted(request.ticks, ticks, "left")
    before = after - 1
    ahead = np.minimum(after, n - 1)
    found = (before >= 0) & (exact | (after < n)) & (severity[before] < 2)
    held = exact | request.stepped | (severity[ahead] == 2)
    values = np.where(held, request.values[before], _line(request, before, ahead, ticks))
    doubtful = severity[before] == 1
    if not request.stepped:
        doubtful |= severity[ahead] > 0
    codes = np.where(doubtful, np.uint32(status.UNCERTAIN), np.uint32(status.GOOD))
    codes = np.where(exact, request.codes[before], codes)
    return _bounds(ticks, values, codes, found, exact, np.where(held, before, -1))


def interpolated(request: Request, ticks: Ticks, *, stepped: bool) -> Bounds:
    """From the nearest non-Bad values, which are extrapolated where none follows."""
    usable = np.flatnonzero(request.severity < 2)
    n = len(usable)
    if not n:
        return _none(ticks)
    times = request.ticks[usable]
    after = np.searchsorted(times, ticks, "right")
    exact = after > np.searchsorted(times, ticks, "left")
    found = after > 0
    beyond = after == n
    left, right = usable[after - 1], usable[np.minimum(after, n - 1)]
    if stepped:
        values = request.values[left]
        skipped = np.searchsorted(request.ticks, ticks, "right") - 1 > left
        doubtful = skipped | (request.raw[left] == 1) | (ticks > request.ticks[-1])
        held = np.ones(len(ticks), np.bool_)
    else:
        values = np.where(beyond, _extrapolated(request, usable, left, ticks), _line(request, left, right, ticks))
        doubtful = (right - left > 1) | (request.raw[left] == 1) | (request.raw[right] == 1) | beyond
        held = exact
    values = np.where(exact, request.values[left], values)
    codes = np.where(doubtful, np.uint32(status.UNCERTAIN), np.uint32(status.GOOD))
    codes = np.where(exact, request.codes[left], codes)
    return _bounds(ticks, values, codes, found, exact, np.where(held, left, -1))


def _extrapolated(request: Request, usable: Places, left: Places, ticks: Ticks) -> Values:
    """Held, or along the line through the last two non-Bad values of different times."""
    last = usable[-1]
    earlier = int(np.searchsorted(request.ticks[usable], request.ticks[last], "left")) - 1
    if not request.config.use_sloped_extrapolation or earlier < 0:
        return request.values[left]
    return _line(request, np.full(len(ticks), usable[earlier]), np.full(len(ticks), last), ticks)


def _line(request: Request, left: Places, right: Places, ticks: Ticks) -> Values:
    """Where the lines through two values each are at the times."""
    span = (request.ticks[right] - request.ticks[left]).astype(np.float64)
    share = (ticks - request.ticks[left]) / np.where(span == 0, 1.0, span)
    low = request.values[left]
    return low + share * (request.values[right] - low)


def _bounds(ticks: Ticks, values: Values, codes: Codes, found: Flags, exact: Flags, source: Places) -> Bounds:
    codes = np.where(found, codes, np.uint32(status.BAD_NO_DATA))
    source = np.where(found, source, -1)
    raw = np.where(exact, source, -1)
    return Bounds(ticks, np.where(found, values, np.nan), codes, status.severity(codes), raw, source)


def _none(ticks: Ticks) -> Bounds:
    nowhere = np.zeros(len(ticks), np.bool_)
    codes = np.full(len(ticks), status.BAD_NO_DATA, np.uint32)
    return _bounds(ticks, np.full(len(ticks), np.nan), codes, nowhere, nowhere, np.full(len(ticks), -1, np.intp))
