"""What a Dask cluster trains and extracts is what is trained and extracted here; without one, it is done here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from analytics.arguments import Context, Fleet, Part
from analytics.catalog import CATALOG
from analytics.cluster import Cluster
from analytics.errors import BAD_NO_MATCH, BAD_TYPE_MISMATCH, ArgumentError, NotAvailable
from analytics.training import Lesson
from analytics.worker import Worker
from tests.simulators.courses import MEASURED, NOW, SPEED, as_series, pump
from tests.simulators.dask_cluster import dask_cluster

NOWHERE = Cluster("tcp://127.0.0.1:9")
START = NOW - 600 * 10_000_000


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two worker processes."""
    with dask_cluster() as address:
        yield Cluster(address)


def lesson(seed: int, seconds: int = 600) -> dict[str, Any]:
    """What TrainModel asks a worker for."""
    return {
        "series": as_series(pump(seconds, seed)),
        "start_ticks": START,
        "end_ticks": NOW,
        "kind": "Anomaly",
        "context_signals": (SPEED,),
        "exclude": (),
        "labels": (),
        "options": {"Activate": False, "Window": 0.0, "Step": 0.0, "Margin": 1.7},
    }


async def run(worker: Worker, name: str, told: list[float] | None = None, **keywords: Any) -> Any:
    async def given() -> dict[str, Any]:
        return keywords

    return await worker.run(name, given, 50.0, progress=(told if told is not None else []).append)


async def test_two_workers_of_a_cluster_train_and_extract_what_is_trained_and_extracted_here(cluster: Cluster) -> None:
    worker, told = Worker(count=2), list[float]()
    lessons = [lesson(1), lesson(2), lesson(3, 20)]
    features = {
        "series": lessons[0]["series"], "start_ticks": START, "end_ticks": NOW, "window_s": 60.0, "step_s": 0.0,
        "feature_set": "Minimal",
    }  # fmt: skip
    try:
        there, extracted = await asyncio.gather(
            run(worker, "TrainFleet", told, lessons=lessons, cluster=cluster),
            run(worker, "ExtractFeatures", **features, cluster=cluster),
        )
        here = [await run(worker, "TrainModel", **one) for one in lessons[:2]]
        with pytest.raises(NotAvailable) as refused:
            await run(worker, "TrainModel", **lessons[2])
        alone = await run(worker, "ExtractFeatures", **features, cluster=NOWHERE)
    finally:
        await worker.stop()
    assert there[2] == str(refused.value), "one machine that cannot be trained does not stop the others"
    for far, near in zip(there[:2], here, strict=True):
        same(far, near)
    assert told
    assert extracted[0] == alone[0]
    np.testing.assert_array_equal(extracted[2], alone[2])
    assert (extracted[3:], alone[3]) == ((True, ""), True)
    assert alone[4].startswith("computed here, for the Dask scheduler tcp://127.0.0.1:9 does not answer")


def same(far: Lesson, near: Lesson) -> None:
    assert (far.data_hash, far.libraries) == (near.data_hash, near.libraries)
    assert (far.trained.signals, far.trained.settings) == (near.trained.signals, near.trained.settings)
    assert far.trained.figures == near.trained.figures
    for name, array in near.trained.arrays.items():
        np.testing.assert_array_equal(far.trained.arrays[name], array)


PARTS = (
    Part("Loop1", "system"),
    Part("Loop1/Pump1", "asset", "Pump"),
    Part("Loop1/Pump2", "asset", "Pump"),
    Part("Tank", "asset", "Tank"),
)
SIGNALS = tuple(f"Loop1/{pump}/{name}" for pump in ("Pump1", "Pump2") for name in (*MEASURED, SPEED))
PLANT = Context((*SIGNALS, "Tank/Level"), NOW, twin="Cooling", scope="process", parts=PARTS)


def plan(*arguments: object) -> Fleet:
    function = CATALOG["TrainFleet"]
    assert function.plan is not None
    planned = function.plan(arguments, PLANT)
    assert isinstance(planned, Fleet)
    return planned


def test_all_twins_of_a_type_are_trained_with_the_same_arguments() -> None:
    fleet = plan("Anomaly", "Pump", [], [SPEED], None, None, ["Margin=2"])
    assert fleet == Fleet(
        "TrainModel", ("Loop1/Pump1", "Loop1/Pump2"), ("Anomaly", [], [SPEED], None, None, [], ["Margin=2"])
    )


@pytest.mark.parametrize(
    ("arguments", "index", "status", "words"),
    [
        (("Anomaly", "Fan", [], [], None, None, []), 1, BAD_NO_MATCH, 'no twin of type "Fan" below; there are Pump, T'),
        (("Anomaly", 3, [], [], None, None, []), 1, BAD_TYPE_MISMATCH, "Type is text"),
        (("Anomly", "Pump", [], [], None, None, []), 0, BAD_NO_MATCH, "cannot be trained here"),
        (("Anomaly", "Pump", ["Level"], [], None, None, []), 2, BAD_NO_MATCH, "no numeric signal"),
        (("Anomaly", "Pump", [], ["Level"], None, None, []), 3, BAD_NO_MATCH, "no numeric signal"),
        (("Anomaly", "Pump", [], [], "now", None, []), 4, BAD_TYPE_MISMATCH, "DateTime"),
        (("Anomaly", "Pump", [], [], None, None, ["Colour=red"]), 6, BAD_NO_MATCH, "no option"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[object, ...], index: int, status: int, words: str) -> None:
    with pytest.raises(ArgumentError, match=words) as caught:
        plan(*arguments)
    assert (caught.value.index, caught.value.status) == (index, status)


def test_systems_and_processes_with_typed_twins_have_it() -> None:
    needs = CATALOG["TrainFleet"].needs
    assert needs(PLANT)
    assert not needs(Context(SIGNALS, 0, scope="asset", parts=PARTS))
    assert not needs(Context(SIGNALS, 0, scope="system", parts=PARTS[:1]))
    assert not needs(Context((), 0, scope="system", parts=PARTS))
