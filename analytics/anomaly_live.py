"""Scores many machines each second: those of equal shape share arrays; no step loops over machines or sensors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.anomaly import Detector, from_arrays
from analytics.anomaly_data import sampling_of
from analytics.models import Model
from analytics.operating_state import known, regressors

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Input = tuple[str, str]
"""Name of a model as the caller knows it, and a signal of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Now:
    """How m models see their machines, in the order in which the scorer was given them. score: float64[m], 1 is the
    limit, NaN where not known (too few values yet, too many missing, an operating state training did not see). alarm:
    bool[m], debounced. top: int[m], the index of the signal with the largest share; means nothing without a score."""

    score: Floats
    alarm: npt.NDArray[np.bool_]
    top: npt.NDArray[np.intp]


class Scorer:
    """The anomaly scores of many models, row by row. Not thread-safe; a push belongs in a thread of its own.

    models: Anomaly models by any names. before: a scorer whose recent rows are taken over where a model of the same
    name has the same signals, step and window, so that scores go on when one model of many changes.
    """

    def __init__(self, models: Mapping[str, Model], before: Scorer | None = None) -> None:
        self.names = tuple(models)
        self.inputs: tuple[Input, ...] = tuple((name, one) for name in models for one in _signals(models[name]))
        """What the columns of `push` are, in order."""
        column = {one: number for number, one in enumerate(self.inputs)}
        sorts: dict[tuple[object, ...], list[str]] = defaultdict(list)
        for name, model in models.items():
            sorts[_shape(model)].append(name)
        at = {name: number for number, name in enumerate(self.names)}
        self._groups = [_Group([models[name] for name in names], names, at, column) for names in sorts.values()]
        self._now = Now(np.full(len(models), np.nan), np.zeros(len(models), np.bool_), np.zeros(len(models), np.intp))
        if before is not None:
            self._take_over(before)

    def push(self, values: Floats, now_s: float) -> Now:
        """Take the values in force at a time (float64[len(inputs)], NaN where Bad or too old; seconds, ever
        increasing) and say how it stands. A model with a longer step keeps its score until its next row is due."""
        for group in self._groups:
            if now_s >= group.next_s:
                group.next_s = (now_s // group.step_s + 1.0) * group.step_s
                group.push(values)
                self._now.score[group.at], self._now.alarm[group.at] = group.score, group.alarm
                self._now.top[group.at] = group.top
        return Now(self._now.score.copy(), self._now.alarm.copy(), self._now.top.copy())

    def _take_over(self, before: Scorer) -> None:
        known = {key: (group, place) for group in before._groups for place, key in enumerate(group.keys)}
        for group in self._groups:
            found = [(place, *known[key]) for place, key in enumerate(group.keys) if key in known]
            for place, other, there in found:
                group.ring[:, place] = np.roll(other.ring[:, there], -other.turn, axis=0)
            if found:
                group.next_s = min(other.next_s for _, other, _ in found)


class _Group:
    """g machines of equal shape: p signals and c context signals, F = 4 p features, K components.

    at: int[g], their places among all. keys: what makes the rows of each. ring: float64[width, g, p + c], the last
    rows.
    """

    def __init__(
        self, models: Sequence[Model], names: Sequence[str], at: Mapping[str, int], column: Mapping[Input, int]
    ) -> None:
        sampling, settings = sampling_of(models[0]), models[0].record.settings
        detectors = [from_arrays(model.arrays) for model in models]
        self.at = np.array([at[name] for name in names], np.intp)
        self.keys = [
            (name, _signals(model), sampling.step_s, sampling.width) for name, model in zip(names, models, strict=True)
        ]
        self.step_s = sampling.step_s
        self.next_s = float("-inf")
        self.turn = 0
        self.signals = detectors[0].signals
        self.ring = np.full((sampling.width, len(models), len(_signals(models[0]))), np.nan)
        self.score = np.full(len(models), np.nan)
        self.alarm = np.zeros(len(models), np.bool_)
        self.top = np.zeros(len(models), np.intp)
        self._columns = np.array(
            [[column[name, one] for one in _signals(model)] for name, model in zip(names, models, strict=True)], np.intp
        )
        self._above = np.zeros((int(settings["of"] or 1), len(models)), np.bool_)
        self._needed = int(settings["needed"] or 1)
        self._keep(detectors)

    def push(self, values: Floats) -> None:
        """Take a row and set score, alarm and top."""
        self.ring[self.turn % len(self.ring)] = values[self._columns]
        self.turn += 1
        features = _features(self.ring)
        context = features[:, :, self.signals :]
        flat = features[:, :, : self.signals].reshape(len(self.at), -1)
        z: Singles = ((flat - self._expected(context)) / self._scale).astype(np.float32)
        missing = np.isnan(z)
        usable = known(context, self._low, self._high) & (2 * missing.sum(axis=1) <= z.shape[1])
        z[missing] = 0.0
        inner = np.matmul(z[:, None], self._basis)[:, 0]
        holes = np.flatnonzero(missing.any(axis=1) & usable)
        if len(holes):
            self._fill(z, inner, missing, holes)
        h = z * self._rest + np.matmul(self._basis, (inner * self._root)[:, :, None])[:, :, 0]
        parts = (h * h).reshape(len(h), 4, -1).sum(axis=1)
        worst = np.sqrt(parts / self._part_limit).max(axis=1)
        self.score = np.where(usable, np.maximum(np.sqrt(parts.sum(axis=1)) / self._limit, worst), np.nan)
        self.top = parts.argmax(axis=1)
        self._above[self.turn % len(self._above)] = self.score > 1.0
        self.alarm = self._above.sum(axis=0) >= self._needed

    def _keep(self, detectors: Sequence[Detector]) -> None:
        states = [one.state for one in detectors]
        self._centre = np.stack([one.centre for one in states])
        self._spread = np.stack([one.spread for one in states])
        self._knots = np.stack([one.knots for one in states])
        self._low = np.stack([one.low for one in states])
        self._high = np.stack([one.high for one in states])
        self._pairs = states[0].pairs
        self._coefficients = np.stack([one.coefficients for one in detectors])
        self._scale = np.stack([one.scale for one in detectors])
        self._basis = np.stack([one.basis for one in detectors]).astype(np.float32)
        self._root = np.stack([one.root for one in detectors]).astype(np.float32)
        self._rest = np.array([[1.0 / np.sqrt(one.rest)] for one in detectors], np.float32)
        self._limit = np.array([one.limit for one in detectors])
        self._part_limit = np.stack([np.square(one.part_limit) for one in detectors])

    def _expected(self, context: Floats) -> Floats:
        """float64[g, F]: the features that the operating state of each machine lets expect."""
        if not context.shape[2]:
            return self._coefficients[:, 0]
        terms = regressors(context, self._centre, self._spread, self._knots, self._pairs)
        expected: Floats = np.matmul(terms[:, None], self._coefficients)[:, 0]
        return expected

    def _fill(
        self,
        z: Singles,
        inner: Singles,
        missing: npt.NDArray[np.bool_],
        holes: npt.NDArray[np.intp],
    ) -> None:
        """As `analytics.anomaly.fill`, for machines with equally many holes at once; z is 0 in its holes."""
        count = missing[holes].sum(axis=1)
        for many in np.unique(count):
            at = holes[count == many]
            where = np.nonzero(missing[at])[1].reshape(len(at), many)
            lost = np.take_along_axis(self._basis[at], where[:, :, None], axis=1)
            root, rest = self._root[at], self._rest[at]
            weight = root * (2.0 * rest + root)
            matrix = np.matmul(lost * weight[:, None], lost.transpose(0, 2, 1)) + np.eye(many) * (rest**2)[:, :, None]
            right = np.matmul(lost, (inner[at] * weight)[:, :, None])
            found = -np.linalg.solve(matrix, right)[:, :, 0].astype(np.float32)
            z[at[:, None], where] = found
            inner[at] += np.matmul(found[:, None], lost)[:, 0]


def _signals(model: Model) -> tuple[str, ...]:
    return (*model.record.signals, *model.record.context_signals)


def _shape(model: Model) -> tuple[object, ...]:
    """What must be equal for arrays to be shared."""
    arrays, settings = model.arrays, model.record.settings
    shapes = tuple(np.shape(arrays[name]) for name in ("basis", "coefficients", "state_knots", "state_centre"))
    return (*shapes, *(settings[name] for name in ("step_s", "width", "needed", "of")))


def _features(ring: Floats) -> Floats:
    """float64[g, 4, s] of the window that a ring (float64[width, g, s]) holds, as `analytics.rolling`."""
    present = ~np.isnan(ring)
    if present.all():
        mean = ring.mean(axis=0)
        return np.stack([mean, ring.std(axis=0, mean=mean[None]), ring.max(axis=0), ring.min(axis=0)], axis=1)
    count = present.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, ring, 0.0).sum(axis=0) / count
        off = np.where(present, ring - mean, 0.0)
        deviation = np.sqrt((off * off).sum(axis=0) / count)
    highest, lowest = np.where(present, ring, -np.inf).max(axis=0), np.where(present, ring, np.inf).min(axis=0)
    features = np.stack([mean, deviation, highest, lowest], axis=1)
    unknown: Final = 2 * count <= len(ring)
    features[np.broadcast_to(unknown[:, None], features.shape)] = np.nan
    return features
