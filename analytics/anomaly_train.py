"""Trains an anomaly detector: prepares the data, holds blocks back to set the limit by, refuses when they are too few.

Settings were chosen on a development part of public data; see benchmarks/README.md (anomaly-skab).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.anomaly import Distances, distances, fit
from analytics.anomaly_data import KIND, UNUSUAL, Frame, Sampling, frame, outside, row_ticks, rows, sampling_for
from analytics.anomaly_events import alarms
from analytics.arguments import Progress
from analytics.drift import reference
from analytics.errors import NotAvailable
from analytics.models import Label, Trained
from analytics.series import TICKS_PER_SECOND, Series
from analytics.trainer import Option, Trainer

LEAST_WINDOWS: Final = 20
FOLDS: Final = 4
_LEAST_FOLDS: Final = 2
"""Of them some must be in operating states that the others have seen."""
QUANTILE: Final = 0.999
USUAL_BLOCKS: Final = 0.75
"""The limit holds for this share of the held-out blocks: a disturbance in one of them must not blind the detector."""
MARGIN: Final = 1.7
NEEDED, OF = 3, 5
_LEAST_GOOD: Final = 0.5
"""Share of Good readings below which a signal is left out."""
_MOST_ROWS: Final = 20_000
_BLOCK_WINDOWS: Final = 6
_MOST_BLOCKS: Final = 32
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Choice:
    """The signals that can be used, and why the others cannot."""

    signals: tuple[str, ...]
    context_signals: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Limits:
    """Those of `analytics.anomaly.Detector`."""

    limit: float
    part_limit: npt.NDArray[np.float64]
    own_limit: npt.NDArray[np.float64]

    def score(self, held: Distances) -> npt.NDArray[np.float64]:
        return np.asarray(np.maximum(held.total / self.limit, (held.parts / self.part_limit).max(axis=1)))


def run(
    series: Mapping[str, Series],
    context_signals: tuple[str, ...],
    start_ticks: int,
    end_ticks: int,
    exclude: tuple[tuple[int, int], ...] = (),
    labels: tuple[Label, ...] = (),
    progress: Progress = lambda fraction: None,
    window: float = 0.0,
    step: float = 0.0,
    margin: float = MARGIN,
) -> Trained:
    """A detector of what is not normal, from normal operation between start and end (ticks).

    exclude: times to leave out; those labelled as fault, failure or maintenance are left out too. window, step:
    seconds, 0 for what suits the signals. margin: the limit over what normal data reach. Raises NotAvailable.
    """
    measured = tuple(name for name in series if name not in context_signals)
    sampling = sampling_for([series[name] for name in (*measured, *context_signals)], step, window)
    choice, kept = _choose(series, measured, context_signals, start_ticks, end_ticks, sampling)
    progress(0.1)
    spans = [*exclude, *((one.start_ticks, one.end_ticks) for one in labels if one.kind in UNUSUAL)]
    every = _every(start_ticks, end_ticks, kept.step_s)
    data = _normal(series, choice, start_ticks, end_ticks, kept, spans, every)
    windows = len(data.ticks) * every // kept.width
    if windows < LEAST_WINDOWS:
        raise NotAvailable(_too_few(windows, kept, data, choice))
    progress(0.2)
    return _trained(data, choice, kept, every, margin, progress)


def _trained(
    data: Frame, choice: _Choice, sampling: Sampling, every: int, margin: float, progress: Progress
) -> Trained:
    width = -(-sampling.width // every)
    windows = len(data.ticks) // width
    held, block = _held_out(data, width, progress)
    limits = _limits(held, block, margin)
    detector = replace(
        fit(data.features, data.context, windows),
        limit=limits.limit,
        part_limit=limits.part_limit,
        own_limit=limits.own_limit,
    )
    progress(0.95)
    return Trained(
        KIND,
        choice.signals,
        choice.context_signals,
        {**detector.arrays(), **reference(detector, data, width), "longest_s": sampling.longest_s},
        {
            "step_s": sampling.step_s,
            "width": sampling.width,
            "margin": margin,
            "needed": NEEDED,
            "of": OF,
            "dropped": "; ".join(choice.dropped) or None,
        },
        {
            "FalseAlarmShare": _false_alarms(held, block, margin),
            "Limit": limits.limit,
            "HeldOutWindows": float(len(block) // width),
            "HeldOutMedianScore": float(np.median(limits.score(held))),
            "GoodShare": data.present,
        },
        windows,
    )


def _choose(
    series: Mapping[str, Series],
    measured: Sequence[str],
    context: Sequence[str],
    start_ticks: int,
    end_ticks: int,
    sampling: Sampling,
) -> tuple[_Choice, Sampling]:
    """Without dead and constant signals. Raises NotAvailable where no signal is left, or a context signal is dead."""
    names = (*measured, *context)
    values = rows(
        [series[name] for name in names], row_ticks(start_ticks, end_ticks, sampling.step_s), sampling.longest_s
    )
    why = [_unusable(values[:, column]) for column in range(len(names))]
    dead = [f"{name} {reason}" for name, reason in zip(names, why, strict=True) if name in context and reason]
    dead = [one for one in dead if "constant" not in one]
    if dead:
        raise NotAvailable(f"the operating state is not known: {'; '.join(dead)}. Leave it out, or mend it")
    kept = [index for index, reason in enumerate(why) if not reason]
    dropped = tuple(f"{name} {reason}" for name, reason in zip(names, why, strict=True) if reason)
    signals = tuple(names[index] for index in kept if index < len(measured))
    if not signals:
        raise NotAvailable(f"no signal can be used: {'; '.join(dropped)}")
    choice = _Choice(signals, tuple(names[index] for index in kept if index >= len(measured)), dropped)
    return choice, replace(sampling, longest_s=sampling.longest_s[kept])


def _unusable(column: npt.NDArray[np.float64]) -> str:
    """Why a signal says nothing; "" where it does."""
    there = column[~np.isnan(column)]
    good = len(there) / max(len(column), 1)
    if good < _LEAST_GOOD:
        return f"has Good values in {100 * good:.0f} % of the time"
    return "is constant" if there.max() == there.min() else ""


def _normal(
    series: Mapping[str, Series],
    choice: _Choice,
    start_ticks: int,
    end_ticks: int,
    sampling: Sampling,
    spans: Sequence[tuple[int, int]],
    every: int,
) -> Frame:
    """The rows to learn from: complete windows inside of the interval and outside of the spans."""
    data = frame(series, choice.signals, choice.context_signals, start_ticks, end_ticks, sampling, every)
    lead = round((sampling.window_s - sampling.step_s) * TICKS_PER_SECOND)
    use = outside(data.ticks, spans, lead) & (data.ticks - lead >= start_ticks)
    use &= ~np.isnan(data.features).any(axis=(1, 2)) & ~np.isnan(data.context).any(axis=(1, 2))
    return Frame(data.ticks[use], data.features[use], data.context[use], data.present)


def _every(start_ticks: int, end_ticks: int, step_s: float) -> int:
    """Every so many rows are used: windows overlap, so of very many rows some say it all."""
    return max(1, round((end_ticks - start_ticks) / TICKS_PER_SECOND / step_s / _MOST_ROWS))


def _too_few(windows: int, sampling: Sampling, data: Frame, choice: _Choice) -> str:
    need_s = LEAST_WINDOWS * sampling.window_s
    dropped = f" Left out: {'; '.join(choice.dropped)}." if choice.dropped else ""
    return (
        f"{windows} windows of {sampling.window_s:g} s of normal data are too few, a model needs {LEAST_WINDOWS} "
        f"({need_s:g} s in which all signals are Good); {100 * data.present:.0f} % of the values are Good.{dropped}"
    )


def _held_out(data: Frame, width: int, progress: Progress) -> tuple[Distances, Rows]:
    """What detectors say of normal data that were not used for their fit, and the block of each row: blocks in turn are
    judged by a detector of the others, without those that overlap with them. Raises NotAvailable where nothing is
    left."""
    block = _blocks(len(data.ticks), width)
    found: list[Distances] = []
    order: list[Rows] = []
    for number in range(FOLDS):
        held = np.flatnonzero(block % FOLDS == number)
        others = _apart(np.flatnonzero(block % FOLDS != number), held, width)
        found.append(distances(fit(*_part(data, others), len(others) // width), *_part(data, held)))
        order.append(held)
        progress(0.2 + 0.15 * (number + 1))
    rows = np.argsort(np.concatenate(order))
    every = _taken(found, rows)
    judged = np.flatnonzero(~np.isnan(every.total))
    if len(np.unique(block[judged] % FOLDS)) < _LEAST_FOLDS:
        raise NotAvailable("each operating state occurs only once in the data: there is nothing to set a limit by")
    return _taken([every], judged), block[judged]


def _limits(held: Distances, block: Rows, margin: float) -> _Limits:
    """Each distance is put in relation to what it normally reaches, and then all have one limit together."""
    total = float(_reach(held.total[:, None], block)[0])
    part = np.maximum(_reach(held.parts, block), 1e-9)
    part *= float(_reach((held.parts / part).max(axis=1)[:, None], block)[0])
    worst = np.maximum(held.total / total, (held.parts / part).max(axis=1))
    factor = margin * float(_reach(worst[:, None], block)[0])
    return _Limits(factor * total, factor * part, np.maximum(margin * _reach(held.own, block), 1e-9))


def _reach(values: npt.NDArray[np.float64], block: Rows) -> npt.NDArray[np.float64]:
    """How far normal data reach, for each column of values (float64[n, k]): what three of four blocks stay below."""
    each = [np.quantile(values[block == number], QUANTILE, axis=0) for number in np.unique(block)]
    return np.asarray(np.quantile(each, USUAL_BLOCKS, axis=0, method="lower"), np.float64)


def _false_alarms(held: Distances, block: Rows, margin: float) -> float:
    """The share of rows in alarm when each fold is judged by the limits of the others."""
    alarmed = 0
    for number in range(FOLDS):
        mine = np.flatnonzero(block % FOLDS == number)
        rest = np.flatnonzero(block % FOLDS != number)
        limits = _limits(_taken([held], rest), block[rest], margin)
        alarmed += int(alarms(limits.score(_taken([held], mine)), NEEDED, OF).sum())
    return alarmed / len(block)


def _blocks(count: int, width: int) -> Rows:
    """The contiguous block of each row. Blocks are dealt out to folds in turn, so that slow changes are in all of
    them."""
    blocks = int(np.clip(count // (_BLOCK_WINDOWS * width), FOLDS, _MOST_BLOCKS))
    return np.asarray(np.arange(count) * blocks // count)


def _apart(others: Rows, held: Rows, width: int) -> Rows:
    """Those of `others` whose windows overlap with none of `held`, thinned where very many."""
    after = np.searchsorted(held, others)
    before = others - held[np.maximum(after - 1, 0)]
    until = held[np.minimum(after, len(held) - 1)] - others
    near = ((before > 0) & (before < width)) | ((until > 0) & (until < width))
    return others[~near]


def _taken(parts: Sequence[Distances], chosen: Rows) -> Distances:
    """Some rows of several, laid end to end."""
    return Distances(
        np.concatenate([one.total for one in parts])[chosen],
        np.concatenate([one.parts for one in parts])[chosen],
        np.concatenate([one.own for one in parts])[chosen],
        np.concatenate([one.unknown_state for one in parts])[chosen],
    )


def _part(data: Frame, chosen: Rows) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return data.features[chosen], data.context[chosen]


TRAINER: Final = Trainer(
    KIND,
    "How far all signals together are from normal operation, taking the operating state into account",
    run,
    {
        "Window": Option(0.0, "Seconds that are looked at together; 0: 15 steps", 0.0, 86_400.0),
        "Step": Option(0.0, "Seconds from one look to the next; 0: as often as most signals come", 0.0, 86_400.0),
        "Margin": Option(MARGIN, "The limit over what normal data reach that were not used for the fit", 1.0, 10.0),
    },
)
