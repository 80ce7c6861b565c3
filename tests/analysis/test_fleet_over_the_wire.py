"""A fleet trained on a Dask cluster over TLS: the same models as from the bridge's own workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import ua

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from tests.analysis.conftest import SECOND, Hall, hall, no_time, text, texts
from tests.simulators.certificates import Authority
from tests.simulators.dask_cluster import dask_cluster

PUMPS, SIGNALS, PAST_S = 3, ("Speed", "Flow", "Power"), 400
TAG = "{type: Double, stale_s: 10000, point: {table: input, address: "
PLANT = (
    "plant: {name: Hall}\nconnections: {device: {driver: modbus, host: 127.0.0.1, port: 1}}\n"
    "types:\n  Pump:\n    scope: asset\n    connection: device\n    parameters: {n: {}}\n    telemetry:\n"
    + "".join(f'      {name}: {TAG}"{{n * 100 + {4 * at}}}"}}}}\n' for at, name in enumerate(SIGNALS))
    + "twins:\n  Loop: {scope: system, children: {'Pump{n}': {type: Pump, instances: {n: 1..3}}}}\n"
)


def training(*options: str, kind: str = "Anomaly", type_name: str = "Pump", end: int = 0) -> tuple[ua.Variant, ...]:
    """The arguments of TrainFleet. end: ticks, 0 for the null DateTime."""
    until = ua.Variant(ua.win_epoch_to_datetime(end), ua.VariantType.DateTime) if end else no_time()
    return text(kind), text(type_name), texts(), texts("Speed"), no_time(), until, texts(*options)


def remember(plant: Hall, end: int) -> None:
    """The past of three pumps; the last has only just begun to work."""
    for number in range(1, PUMPS + 1):
        count = PAST_S if number < PUMPS else 30
        random = np.random.default_rng(number)
        load = 5.0 + np.sin(np.arange(count) / 30.0) + 0.1 * random.normal(size=count)
        ticks = end - np.arange(count - 1, -1, -1) * SECOND
        for name in SIGNALS:
            row = plant.bridge.space.row_of(plant.node_id(f"Loop/Pump{number}/{name}"))
            cells = to_cells(load + 0.1 * random.normal(size=count), DataType.Double)
            rows = np.full(count, row, np.int32)
            plant.bridge.table.commit(Readings(rows, cells, np.zeros(count, np.uint32), ticks))


async def trained(plant: Hall, end: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What TrainFleet says, and what is in its models."""
    told = await plant.results("Loop/TrainFleet", *training(end=end))
    content = []
    for twin, model in zip(told["Twins"], told["ModelIds"], strict=True):
        record = plant.bridge.library.find(f"Loop/{twin}", model)
        if record is not None:
            arrays = (await plant.bridge.library.model(record)).arrays
            content.append({"figures": record.figures, "settings": record.settings, "hash": record.data_hash, **arrays})
    return told, content


@pytest.mark.timeout(120)
async def test_what_a_cluster_trains_is_what_is_trained_here(folder: Path) -> None:
    end, authority = now_ticks(), Authority(folder)
    own = authority.sign("bridge")
    files = f"ca_file: {authority.cert}, cert_file: {own.cert}, key_file: {own.key}"
    with dask_cluster(authority.cert, *authority.sign("cluster")) as address:
        async with hall(folder, text=f"{PLANT}analytics: {{scheduler: '{address}', {files}}}\n") as plant:
            remember(plant, end)
            told, there = await trained(plant, end)
    assert told["Twins"] == ["Pump1", "Pump2", "Pump3"]
    assert told["ModelIds"] == ["Anomaly-1", "Anomaly-1", ""]
    assert told["States"] == ["Candidate", "Candidate", "Draft"]
    assert told["Reasons"][:2] == ["", ""]
    assert "windows" in told["Reasons"][2]
    assert (told["Valid"], told["Reason"]) == (True, "2 of 3 are trained, Reasons says why not others")
    figures = np.array(told["Figures"]).reshape(3, len(told["FigureNames"]))
    assert np.isfinite(figures[:2, told["FigureNames"].index("FalseAlarmShare")]).all()
    assert np.isnan(figures[2]).all()

    async with hall(folder, text=f"{PLANT}analytics: {{scheduler: '{address}', {files}}}\n") as plant:
        remember(plant, end)
        told, here = await trained(plant, end)
        assert told["ModelIds"] == ["Anomaly-2", "Anomaly-2", ""]
        away = f"trained here, for the Dask scheduler {address} does not answer"
        assert away in told["Reason"]
    assert len(here) == len(there) == 2
    for near, far in zip(here, there, strict=True):
        np.testing.assert_equal(near, far)


async def test_wrong_arguments_and_those_who_may_not_are_told(folder: Path) -> None:
    async with hall(folder, text=PLANT) as plant:
        for arguments, index, status in (
            (training(type_name="Fan"), 1, "BadNoMatch"),
            (training(kind="Anomly"), 0, "BadNoMatch"),
            (training("Margin=0"), 6, "BadOutOfRange"),
        ):
            answer = await plant.call("Loop/TrainFleet", *arguments)
            assert answer.StatusCode.name == "BadInvalidArgument"
            assert answer.InputArgumentResults[index].name == status
        nothing = await plant.results("Loop/TrainFleet", *training())
        assert not nothing["Valid"]
        assert nothing["States"] == ["Draft"] * 3
    async with hall(folder, "operator", text=PLANT) as plant:
        assert (await plant.call("Loop/TrainFleet", *training())).StatusCode.name == "BadUserAccessDenied"
