"""TrainFleet: models of one kind for all twins of one type below a twin, here or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from analytics import training
from analytics.arguments import Context, Fleet, Progress
from analytics.cluster import Cluster, connected
from analytics.errors import BAD_NO_MATCH, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.function import ONE_DIMENSION, Access, Argument, ArgumentType, Function
from analytics.series import Series
from analytics.training import Lesson

_TYPE: Final = 1
_AS_IN_TRAIN_MODEL: Final = {0: 0, 1: 2, 2: 3, 3: 4, 4: 5, 6: 6}
"""Which argument of TrainFleet an argument of TrainModel is."""
_SCOPES: Final = ("system", "process")


def needs(context: Context) -> bool:
    """Systems and processes with typed twins that have signals."""
    return context.scope in _SCOPES and any(part.type_name for part in context.parts) and bool(context.signals)


def plan(arguments: Sequence[object], context: Context) -> Fleet:
    """Which twins, and how TrainModel is to be called on each. Raises ArgumentError for what would be wrong with the
    first of them."""
    kind, type_name, signals, asides, start, end, options = arguments
    if not isinstance(type_name, str):
        raise ArgumentError(_TYPE, BAD_TYPE_MISMATCH, "Type is text")
    members = tuple(part.path for part in context.parts if part.type_name == type_name)
    if not members:
        known = ", ".join(dict.fromkeys(part.type_name for part in context.parts if part.type_name))
        raise ArgumentError(_TYPE, BAD_NO_MATCH, f'there is no twin of type "{type_name}" below; there are {known}')
    inner: tuple[object, ...] = (kind, signals, asides, start, end, [], options)
    try:
        training.plan(inner, _seen_from(members[0], context))
    except NotAvailable:
        pass  # each twin tells that for itself
    except ArgumentError as error:
        raise ArgumentError(_AS_IN_TRAIN_MODEL[error.index], error.status, error.message) from None
    return Fleet("TrainModel", members, inner)


def _seen_from(path: str, context: Context) -> Context:
    start = len(path) + 1
    signals = [name for name in context.signals if name.startswith(f"{path}/")]
    return Context(
        tuple(name[start:] for name in signals),
        context.now_ticks,
        {name[start:]: context.about[name] for name in signals if name in context.about},
        f"{context.twin}/{path}",
        next(part.scope for part in context.parts if part.path == path),
    )


def run(
    lessons: Sequence[Mapping[str, Any]], cluster: Cluster, progress: Progress = lambda fraction: None
) -> tuple[Lesson | str, ...]:
    """Have the cluster train: what `analytics.training.run` is called with, for each model. Returns what came of each,
    or why nothing did, in their order. Raises ClusterAway."""
    from joblib import Parallel, delayed, parallel_config

    found: list[Lesson | str] = []
    with connected(cluster) as client, parallel_config(backend="dask", client=client):
        work = (delayed(_train)(*_packed(lesson)) for lesson in lessons)
        for one in Parallel(batch_size=1, return_as="generator")(work):
            found.append(one)
            progress(len(found) / len(lessons))
    return tuple(found)


def _packed(lesson: Mapping[str, Any]) -> tuple[Any, ...]:
    """As columns, which Dask hands from process to process without the scheduler."""
    series: Mapping[str, Series] = lesson["series"]
    rest = {name: value for name, value in lesson.items() if name != "series"}
    columns = [
        np.concatenate([getattr(one, name) for one in series.values()]) for name in ("ticks", "values", "status")
    ]
    return {name: len(one) for name, one in series.items()}, rest, *columns


def _train(sizes: Mapping[str, int], settings: Mapping[str, Any], *columns: Any) -> Lesson | str:
    """On a worker of the cluster."""
    ends = np.cumsum(list(sizes.values()))
    series = {
        name: Series(*(column[end - size : end] for column in columns))
        for (name, size), end in zip(sizes.items(), ends, strict=True)
    }
    try:
        return training.run(series=series, progress=_untold, **settings)
    except (NotAvailable, ArgumentError) as error:
        return str(error)


def _untold(_fraction: float) -> None:
    """Models are counted, not what is done of one."""


_TEXT: Final = ArgumentType.String
_TEXTS: Final = (_TEXT, ONE_DIMENSION)
TRAIN_FLEET: Final = Function(
    "TrainFleet",
    "TrainModel on all twins of one type below this one, each on its own past: here, or on the Dask cluster that the "
    "plant file names",
    (
        Argument("Kind", _TEXT, description="Kind of model, such as Anomaly"),
        Argument("Type", _TEXT, description="Type of the twins, as the plant file calls it"),
        Argument("Signals", *_TEXTS, "Paths below each of those twins; empty: all its numeric telemetry"),
        Argument("ContextSignals", *_TEXTS, "Those of them that say how it is run (speed, load) and cannot be wrong"),
        Argument("Start", ArgumentType.DateTime, description="Null: of each since its last maintenance, or all"),
        Argument("End", ArgumentType.DateTime, description="Null: now"),
        Argument("Options", *_TEXTS, "name=value; Activate=true makes the models active at once"),
    ),
    (
        Argument("Twins", *_TEXTS, "Paths below this twin; the next three results are one of each, in this order"),
        Argument("ModelIds", *_TEXTS, "The models; empty where there is none"),
        Argument("States", *_TEXTS, "Of each: Candidate, Active, or Draft where nothing came of it"),
        Argument("Reasons", *_TEXTS, "Why nothing came of it; empty: it is trained"),
        Argument("FigureNames", *_TEXTS, "What was found on data not used for the training"),
        Argument(
            "Figures",
            ArgumentType.Double,
            ONE_DIMENSION,
            "Row by row: Figures[t * length(FigureNames) + f] is figure f of twin t; NaN where there is none",
        ),
    ),
    plan,
    needs,
    Access.engineer,
)
