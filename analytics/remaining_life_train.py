"""Trains a remaining-life model on runs to failure: boosted trees, judged by lives that they have not seen.

What is learnt is the use that is left, but at most the knee: before wear shows nobody can tell how far the end is. The
interval rests on the residuals of held-out lives (cross-conformal prediction, Vovk 2015).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Progress
from analytics.errors import BAD_NO_MATCH, BAD_OUT_OF_RANGE, ArgumentError, NotAvailable
from analytics.models import Label, Trained
from analytics.remaining_life_interval import Calibration, outlook
from analytics.remaining_life_runs import (
    FIRST,
    WINDOW,
    Run,
    Span,
    features,
    gap_of,
    lives,
    run_of,
    since_first,
    total_of,
)
from analytics.series import Series
from analytics.trainer import OPTIONS, Option, Trainer
from analytics.trees import tree_arrays

KIND: Final = "RemainingLife"
LEAST_HISTORIES: Final = 10
FOLDS: Final = 5
KNEE: Final = 0.63
"""Of the median life: 125 of 199 cycles, the value that is usual for the public data set of the benchmark."""
HOURS: Final = (24.0, 168.0, 720.0)
_SHARES: Final = (0.1, 0.25, 0.5)
"""Of the median life: the horizons where use is not counted in hours."""
_ROWS: Final = 200
_LEAST_GOOD: Final = 0.5
_PIECES: Final = 4000
"""Of each signal, for all lives: one or two a row where there are ten lives of equal length."""
_KEPT_ROWS: Final = 60
"""Of each life, for the interval."""
_TREES: Final[dict[str, Any]] = {
    "learning_rate": 0.05,
    "max_iter": 200,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 50,
    "l2_regularization": 1.0,
    "max_features": 0.3,
    "early_stopping": False,
    "random_state": 0,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    """n rows of all lives. life: int[n], which of them. left: float64[n], use that was left."""

    features: npt.NDArray[np.float64]
    left: npt.NDArray[np.float64]
    life: npt.NDArray[np.intp]


def run(
    series: Mapping[str, Series],
    context_signals: tuple[str, ...],
    start_ticks: int,
    end_ticks: int,
    exclude: tuple[Span, ...] = (),
    labels: tuple[Label, ...] = (),
    progress: Progress = lambda fraction: None,
    step: float = 0.0,
    counter: str = "",
    knee: float = 0.0,
    horizons: str = "",
) -> Trained:
    """A model from the lives that the labels tell, in hours or in what the counter counts. Raises NotAvailable,
    ArgumentError."""
    wanted = _horizons(horizons)
    if counter and counter not in series:
        raise ArgumentError(OPTIONS, BAD_NO_MATCH, f'Counter: "{counter}" is none of the signals to train on')
    spans, renewed = lives(labels, start_ticks, end_ticks)
    _enough(len(spans), renewed)
    names = [name for name in series if name != counter]
    counting = series[counter] if counter else None
    runs, width = _runs([series[name] for name in names], counting, spans, step, exclude)
    names, runs, dropped = _usable(names, runs)
    _enough(len(runs), renewed)
    median = float(np.median([one.total for one in runs]))
    bend = knee or KNEE * median
    lesson = _lesson(runs)
    progress(0.1)
    held = _held_out(lesson, bend, progress)
    figures = _figures(lesson, held, bend, runs, renewed)
    trees = tree_arrays(_fit(lesson, np.ones(len(lesson.left), np.bool_), bend))
    new = lesson.left >= bend if (lesson.left >= bend).any() else lesson.life >= 0
    return Trained(
        KIND,
        tuple(names),
        (counter,) if counter else (),
        {
            **trees,
            **_calibration(lesson, held).arrays(),
            "new": np.nan_to_num(np.nanmedian(lesson.features[new], axis=0)),
            "seen": np.stack([np.nanmin(lesson.features, axis=0), np.nanmax(lesson.features, axis=0)]),
            "horizons": np.array(wanted or (HOURS if not counter else [share * median for share in _SHARES])),
        },
        {
            "step": width,
            "knee": bend,
            "counter": counter or None,
            "histories": len(runs),
            "dropped": "; ".join(dropped) or None,
        },
        figures,
        len(lesson.left) // WINDOW,
    )


def _horizons(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(one) for one in text.split(",") if one.strip())
    except ValueError:
        found = (float("nan"),)
    if not all(0 < one < float("inf") for one in found):
        raise ArgumentError(OPTIONS, BAD_OUT_OF_RANGE, f'Horizons: "{text}" is no list of numbers above 0: 24,168')
    return tuple(sorted(found))


def _enough(histories: int, renewed: int) -> None:
    if histories < LEAST_HISTORIES:
        also = f" ({renewed} more ended by maintenance before they failed)" if renewed else ""
        raise NotAvailable(
            f"{histories} histories that end in a failure are known{also}, and {LEAST_HISTORIES} are needed: with "
            "fewer the error doubles. Label each failure (LabelEvent, Failure); until then a Degradation model follows "
            "a trend to a limit"
        )


def _runs(
    signals: Sequence[Series], counter: Series | None, spans: Sequence[Span], step: float, exclude: Sequence[Span]
) -> tuple[list[Run], float]:
    """The lives that have rows enough, and the use of a row."""
    width = step or _step(signals, counter, spans)
    runs = [run_of(signals, counter, span, width, exclude) for span in spans]
    return [one for one in runs if np.isfinite(one.values).any(axis=1).sum() >= FIRST], width


def _step(signals: Sequence[Series], counter: Series | None, spans: Sequence[Span]) -> float:
    """A 200th of the usual life, but not less than from one reading to the next."""
    totals = [total_of(counter, span) for span in spans]
    usual = float(np.nanmedian(totals)) if np.isfinite(totals).any() else float("nan")
    gap = gap_of(signals, counter, spans)
    if not usual > 0 or not gap > 0:
        raise NotAvailable("the signals have no values in the histories, or the counter does not count")
    return max(gap, usual / _ROWS)


def _usable(names: Sequence[str], runs: Sequence[Run]) -> tuple[list[str], list[Run], list[str]]:
    """Without signals that say nothing, and why. Raises NotAvailable where none is left."""
    if not runs:
        return list(names), [], []
    values = np.concatenate([one.values for one in runs])
    good = np.isfinite(values).mean(axis=0)
    spread = np.array([np.ptp(one[np.isfinite(one)]) if np.isfinite(one).any() else 0.0 for one in values.T])
    kept = (good >= _LEAST_GOOD) & (spread > 0)
    dropped = [
        f"{name} {'is constant' if share >= _LEAST_GOOD else f'has values in {100 * share:.0f} % of the rows'}"
        for name, share, use in zip(names, good, kept, strict=True)
        if not use
    ]
    if not kept.any():
        raise NotAvailable(f"no signal can be used: {'; '.join(dropped)}")
    chosen = [Run(one.used, one.values[:, kept], one.total) for one in runs]
    return [name for name, use in zip(names, kept, strict=True) if use], chosen, dropped


def _lesson(runs: Sequence[Run]) -> _Lesson:
    return _Lesson(
        np.concatenate([features(one) for one in runs]),
        np.concatenate([np.maximum(one.total - one.used, 0.0) for one in runs]),
        np.repeat(np.arange(len(runs)), [len(one.used) for one in runs]),
    )


def _fit(lesson: _Lesson, use: npt.NDArray[np.bool_], knee: float) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    leaf = min(_TREES["min_samples_leaf"], max(5, int(use.sum()) // 40))
    trees = HistGradientBoostingRegressor(**{**_TREES, "min_samples_leaf": leaf})
    return trees.fit(lesson.features[use], np.minimum(lesson.left[use], knee))


def _held_out(lesson: _Lesson, knee: float, progress: Progress) -> npt.NDArray[np.float64]:
    """What models of the other lives say of each row."""
    fold = np.random.default_rng(0).permutation(int(lesson.life.max()) + 1)[lesson.life] % FOLDS
    said = np.empty(len(lesson.left))
    for number in range(FOLDS):
        held = fold == number
        said[held] = _fit(lesson, ~held, knee).predict(lesson.features[held])
        progress(0.1 + 0.15 * (number + 1))
    return np.clip(said, 0.0, knee)


def _calibration(lesson: _Lesson, held: npt.NDArray[np.float64]) -> Calibration:
    """As many rows of each life, evenly."""
    rows = []
    for life in range(int(lesson.life.max()) + 1):
        mine = np.flatnonzero(lesson.life == life)
        rows.append(mine[np.unique(np.linspace(0, len(mine) - 1, _KEPT_ROWS).astype(np.intp))])
    chosen = np.concatenate(rows)
    return Calibration(held[chosen], lesson.left[chosen], lesson.life[chosen])


def _figures(
    lesson: _Lesson, held: npt.NDArray[np.float64], knee: float, runs: Sequence[Run], renewed: int
) -> dict[str, float]:
    """On held-out lives, while wear shows. Raises NotAvailable where the histories do not tell a remaining life."""
    late = lesson.left <= knee
    error = float(np.sqrt(np.mean(np.square(held - lesson.left)[late])))
    guess = float(np.std(lesson.left[late]))
    if error >= guess:
        raise NotAvailable(
            f"the signals do not show how far the end is: on lives not used for the fit the error is {error:.3g}, and "
            f"always saying the same gives {guess:.3g}. Add signals that change with wear"
        )
    return {
        "HeldOutError": error,
        "ConstantGuessError": guess,
        "Coverage90": _coverage(_calibration(lesson, held)),
        "Histories": float(len(runs)),
        "EndedByMaintenance": float(renewed),
        "MedianLife": float(np.median([one.total for one in runs])),
    }


def _coverage(known: Calibration, confidence: float = 0.9) -> float:
    """The share of held-out rows whose truth lies in the interval that the other lives give."""
    inside = []
    for life in np.unique(known.life):
        mine, others = known.life == life, known.only(known.life != life)
        for said, left in zip(known.said[mine][::6], known.left[mine][::6], strict=True):
            seen = outlook(others, float(said), confidence)
            inside.append(seen.lower <= left <= seen.upper)
    return float(np.mean(inside))


TRAINER: Final = Trainer(
    KIND,
    "Use that is left to the next failure, from ten histories and more that end in one (LabelEvent, Failure)",
    run,
    {
        "Step": Option(0.0, "Use of a row, in hours or counted; 0: a 200th of the usual life", 0.0, 1e9),
        "Counter": Option("", "Signal that counts use (operating hours, cycles); empty: hours of the clock"),
        "Knee": Option(0.0, f"Before so much is left wear does not show; 0: {KNEE:g} of the usual life", 0.0, 1e12),
        "Horizons": Option("", "For probabilities: 24,168,720; empty: these hours, or shares of the usual life"),
    },
    baseline=False,
    since=since_first,
    pieces=_PIECES,
)
