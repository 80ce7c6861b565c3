"""ExtractFeatures: its arguments checked in the server, its work done in the worker."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Context, Job, Progress, readings_of, signals_of, ticks_of
from analytics.cluster import Cluster, ClusterAway
from analytics.edge_stream import MOST_PANES, overlapping, panes_in
from analytics.errors import BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, ArgumentError
from analytics.features import EDGE, edge_features
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.series import TICKS_PER_SECOND, Series
from analytics.tsfresh_names import TSFRESH
from analytics.windows import Cuts, cut, window_ends

SETS: Final = ("Edge", "Minimal", "Efficient", "Comprehensive")
_SIGNALS, _START, _END, _WINDOW, _STEP, _SET = range(6)
_MOST_VALUES: Final = 4_000_000
_LONG_READINGS: Final = 300_000.0
_LONG_WINDOWS: Final = 20_000.0
"""Of all signals: what quick features take about half a second for."""
Results = tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.float64], bool, str]


def plan(arguments: Sequence[object], context: Context) -> Job:
    """What to read and what to run, from the six input arguments; raises ArgumentError. Pure and quick."""
    signals = signals_of(arguments[_SIGNALS], context, _SIGNALS)
    start = ticks_of(arguments[_START], _START)
    end = ticks_of(arguments[_END], _END) or context.now_ticks
    if start is not None and start >= end:
        raise ArgumentError(_END, BAD_OUT_OF_RANGE, "End is not later than Start")
    window_s, step_s = _duration(arguments, _WINDOW, "Window"), _duration(arguments, _STEP, "Step")
    if start is not None and window_s > (end - start) / TICKS_PER_SECOND:
        raise ArgumentError(
            _WINDOW,
            BAD_OUT_OF_RANGE,
            f"Window is {window_s:g} s, and from Start to End there are only {(end - start) / TICKS_PER_SECOND:g} s",
        )
    feature_set = arguments[_SET]
    if not isinstance(feature_set, str):
        raise ArgumentError(_SET, BAD_TYPE_MISMATCH, f"FeatureSet is text: {', '.join(SETS)}, or names of features")
    names = _feature_names(feature_set.strip() or "Edge")
    unknown = [name for name in names if name not in EDGE and name.partition("__")[0] not in TSFRESH]
    if unknown:
        raise ArgumentError(_SET, BAD_OUT_OF_RANGE, _no_feature(unknown[0]))
    settings: dict[str, object] = {
        "window_s": window_s,
        "step_s": step_s,
        "feature_set": feature_set.strip() or "Edge",
    }
    dear = not names or any(name not in EDGE for name in names)
    long = dear or (start is not None and _takes_long(signals, start, end, step_s or window_s, context))
    if dear and context.cluster is not None:
        settings["cluster"] = context.cluster
    return Job("ExtractFeatures", signals, start, end, settings, long=long)


def _takes_long(signals: Sequence[str], start: int, end: int, step_s: float, context: Context) -> bool:
    windows = len(signals) * (end - start) / TICKS_PER_SECOND / step_s if step_s else 0.0
    return windows > _LONG_WINDOWS or readings_of(signals, start, end, context) > _LONG_READINGS


def _duration(arguments: Sequence[object], index: int, name: str) -> float:
    value = arguments[index]
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentError(index, BAD_TYPE_MISMATCH, f"{name} is a number of seconds")
    if not math.isfinite(value) or value < 0 or 0 < value < 1e-3 or value > 1e9:
        raise ArgumentError(index, BAD_OUT_OF_RANGE, f"{name} is {value:g} s; right is 0, or from 0.001 to 1e9 s")
    return float(value)


def run(
    series: Mapping[str, Series],
    start_ticks: int | None,
    end_ticks: int,
    window_s: float,
    step_s: float,
    feature_set: str,
    cluster: Cluster | None = None,
    progress: Progress = lambda fraction: None,
) -> Results:
    """The results of ExtractFeatures in their order: names, window ends (ticks), values (float64[windows x features],
    row-major), whether they are valid, and why not or what is missing.

    start_ticks None: from the first reading there is. cluster: where tsfresh works, None: here. Raises ArgumentError
    for an unknown feature and for too many windows.
    """
    names = _feature_names(feature_set)
    first = min((int(one.ticks[0]) for one in series.values() if len(one)), default=None)
    if first is None:
        return _nothing("none of the signals has a value in that time")
    start = first if start_ticks is None else start_ticks
    ends = window_ends(start, end_ticks, window_s, step_s)
    if not len(ends):
        have = (end_ticks - start) / TICKS_PER_SECOND
        return _nothing(f"a window is {window_s:g} s, and the memory holds only the last {have:.1f} s")
    values = len(series) * len(ends) * (len(names) or 800)
    if values > _MOST_VALUES:
        raise ArgumentError(
            _STEP, BAD_OUT_OF_RANGE, f"{len(ends)} windows would give {values} values, more than {_MOST_VALUES}"
        )
    note = ""
    if names and set(names) <= EDGE.keys() and _overlap(window_s, step_s):
        table = overlapping(list(series.values()), start, ends, window_s, step_s, names, progress)
    else:
        length = round(window_s * TICKS_PER_SECOND) or end_ticks - start + 1
        cuts = cut(list(series.values()), ends, length)
        try:
            names, matrix = _compute(cuts, names, feature_set, cluster, progress)
        except ClusterAway as away:
            names, matrix = _compute(cuts, names, feature_set, None, progress)
            note = f"computed here, for {away}"
        table = matrix.reshape(len(series), len(ends), len(names)).transpose(1, 0, 2)
    told = [note] if note else []
    silent = [signal for signal, one in series.items() if not np.isfinite(one.values).any()]
    return (
        [f"{signal}__{name}" for signal in series for name in names],
        ends,
        np.ascontiguousarray(table).reshape(-1),
        len(silent) < len(series),
        "; ".join([*told, f"no value in that time: {', '.join(silent)}"] if silent else told),
    )


def _overlap(window_s: float, step_s: float) -> bool:
    """Whether readings are in more than one window, but windows not of more parts than memory holds."""
    window, step = round(window_s * TICKS_PER_SECOND), round(step_s * TICKS_PER_SECOND)
    return 0 < step < window and panes_in(window, step) <= MOST_PANES


def _nothing(reason: str) -> Results:
    return [], np.empty(0, np.int64), np.empty(0), False, reason


def _feature_names(feature_set: str) -> list[str]:
    """The names asked for; none where tsfresh's set decides."""
    if feature_set == "Edge":
        return list(EDGE)
    if feature_set in SETS:
        return []
    names = [name.strip() for name in feature_set.split(",")]
    if "" in names or len(set(names)) < len(names):
        raise ArgumentError(_SET, BAD_OUT_OF_RANGE, f'"{feature_set}" names a feature twice or has an empty name')
    return names


def _no_feature(name: str) -> str:
    return (
        f'"{name}" is no feature; right are {", ".join(SETS)}, names such as {", ".join(list(EDGE)[:6])}, or those of '
        "tsfresh with their parameters, such as autocorrelation__lag_2"
    )


def _compute(
    cuts: Cuts, names: list[str], feature_set: str, cluster: Cluster | None, progress: Progress
) -> tuple[list[str], npt.NDArray[np.float64]]:
    """float64[pieces, features], with the names of its columns; tsfresh does what numpy does not. Raises ClusterAway,
    ArgumentError."""
    own = [name for name in names if name in EDGE]
    if names and len(own) == len(names):
        return names, _edge(cuts, own)
    from analytics import tsfresh_features  # 3 s and 200 MB: in the worker only, which has it loaded

    if not names:
        return tsfresh_features.standard(cuts, feature_set, cluster, progress)
    others = [name for name in names if name not in EDGE]
    unknown = tsfresh_features.unknown(others)
    if unknown:
        raise ArgumentError(_SET, BAD_OUT_OF_RANGE, _no_feature(unknown[0]))
    theirs = tsfresh_features.named(cuts, others, cluster, progress)
    columns = {**dict(zip(own, _edge(cuts, own).T, strict=True)), **dict(zip(others, theirs.T, strict=True))}
    return names, np.stack([columns[name] for name in names], axis=1)


def _edge(cuts: Cuts, names: list[str]) -> npt.NDArray[np.float64]:
    if not names:
        return np.empty((len(cuts), 0))
    return np.concatenate([edge_features(windows, names) for windows in cuts.matrices()])


EXTRACT_FEATURES: Final = Function(
    "ExtractFeatures",
    "Statistical features of signals over windows of the recent past",
    (
        Argument(
            "Signals",
            ArgumentType.String,
            ONE_DIMENSION,
            "Paths below this twin, such as DriveEndBearing/Vibration; empty: all numeric telemetry of this twin and "
            "of the twins below it",
        ),
        Argument("Start", ArgumentType.DateTime, description="Null: as far back as the memory reaches"),
        Argument("End", ArgumentType.DateTime, description="Null: now"),
        Argument("Window", ArgumentType.Double, description="Length of a window; 0: one window, all of it", unit="SEC"),
        Argument("Step", ArgumentType.Double, description="From one window to the next; 0: as Window", unit="SEC"),
        Argument(
            "FeatureSet",
            ArgumentType.String,
            description="Edge (quick), Minimal, Efficient or Comprehensive (tsfresh), or names of features with commas "
            "between them; empty: Edge",
        ),
    ),
    (
        Argument("Names", ArgumentType.String, ONE_DIMENSION, "Features as signal__feature"),
        Argument("Times", ArgumentType.DateTime, ONE_DIMENSION, "Ends of the windows"),
        Argument(
            "Values",
            ArgumentType.Double,
            ONE_DIMENSION,
            "Row by row: Values[w * length(Names) + f] is feature f of window w; NaN where it is not defined",
        ),
    ),
    plan,
)
