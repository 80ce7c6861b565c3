"""OptimizeSetpoints as an OPC UA client sees it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import ua

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from tests.analysis.conftest import SECOND, Hall, client_of, hall, text, texts

PLANT = """
plant: {name: Works}
connections:
  device: {driver: modbus, host: 127.0.0.1, port: 1, reconnect_first_s: 1000, reconnect_last_s: 1000}
x-tag: &tag {type: Double, stale_s: 10000}
twins:
  Works:
    scope: system
    connection: device
    telemetry:
      Total: {<<: *tag, unit: KWT, point: {table: input, address: 40}}
    model: {kind: sum, inputs: {value: [Pump/Power, 4]}, outputs: {total: Total}}
    children:
      Pump:
        scope: asset
        model:
          kind: pump
          parameters: {shutoff: 52, rated_speed: 3000}
          inputs: {speed: {tag: Speed, command: SpeedSetpoint}}
          outputs: {flow: Flow, power: Power}
        telemetry:
          Speed: {<<: *tag, unit: RPM, point: {table: input, address: 4}}
          Flow: {<<: *tag, unit: MQH, point: {table: input, address: 8}}
          Power: {<<: *tag, unit: KWT, point: {table: input, address: 12}}
        commands:
          SpeedSetpoint: {<<: *tag, unit: RPM, limits: [1000, 2900], point: {address: 0}}
      Lamp:
        scope: asset
        telemetry:
          Lit: {type: Boolean, point: {table: discrete, address: 1}}
"""
SPEED = 2500.0


def asking(objective: str = "", variables: Any = (), constraints: Any = (), horizon: float = 0.0) -> Any:
    """The arguments of OptimizeSetpoints."""
    return text(objective), texts(*variables), texts(*constraints), ua.Variant(horizon, ua.VariantType.Double)


def committed(plant: Hall, values: Mapping[str, float], ago_s: np.ndarray[Any, Any]) -> None:
    """The same readings again and again."""
    rows = [plant.bridge.space.row_of(plant.node_id(path)) for path in values]
    count = len(ago_s)
    plant.bridge.table.commit(
        Readings(
            np.tile(np.array(rows, np.int32), count),
            to_cells(np.tile(np.array(list(values.values())), count), DataType.Double),
            np.zeros(count * len(rows), np.uint32),
            np.repeat(now_ticks() - np.round(ago_s * SECOND).astype(np.int64), len(rows)),
        )
    )


async def lived(plant: Hall) -> None:
    """Twenty minutes of a plant that does what its models say."""
    await plant.until(lambda: _status(plant, "Works/Pump/Speed"), ua.StatusCodes.BadNoCommunication, 10.0)
    speeds = {"Works/Pump/Speed": SPEED, "Works/Pump/SpeedSetpoint": SPEED}
    committed(plant, speeds, np.zeros(1))
    said = await plant.results("Works/Predict", texts(), ua.Variant([], ua.VariantType.Double, is_array=True), text())
    known = dict(zip(said["Outputs"], said["Predicted"], strict=True))
    values = {f"Works/{name}": known[name] for name in ("Total", "Pump/Flow", "Pump/Power")}
    committed(plant, {**speeds, **values}, np.arange(1200.0, -1.0, -10.0))


async def _status(plant: Hall, path: str) -> int:
    return int(plant.bridge.table.status[plant.bridge.space.row_of(plant.node_id(path))])


async def test_an_operator_is_told_what_saves_and_a_viewer_may_not_ask(folder: Path) -> None:
    async with hall(folder, "operator", text=PLANT) as plant:
        await lived(plant)
        said = await plant.results("Works/OptimizeSetpoints", *asking(constraints=["Pump/Flow >= 50"]))
        assert said["Valid"], said["Reason"]
        assert (said["Names"], said["Commands"]) == (["Pump/SpeedSetpoint"], ["Works/Pump/SpeedSetpoint"])
        assert said["Current"] == [SPEED]
        kpis = dict(zip(said["KpiNames"], zip(said["Kpis"], said["KpiDifferences"], strict=True), strict=True))
        assert 50.0 <= kpis["Mean(Pump/Flow)"][0] < 50.5, "no faster than the flow needs"
        assert said["ObjectiveNow"] == pytest.approx(kpis["Energy(Total)"][0] - kpis["Energy(Total)"][1])
        assert said["SavingLow"] <= said["Saving"] <= said["SavingHigh"]
        assert said["Saving"] == pytest.approx(-kpis["Energy(Total)"][1]), "the total, and not the pump beside it"
        assert "Pump/Flow >= 50" in " ".join(said["Binding"])
        assert said["DataQuality"] > 90.0
        assert "compared with 20 min of the past only" in said["Reason"]
        assert await plant.value("Works/Pump/SpeedSetpoint") == SPEED, "nothing is written"

        most = await plant.results(
            "Works/Pump/OptimizeSetpoints", *asking("max Flow - 0.001*Power", ["SpeedSetpoint 1200..9999"])
        )
        assert most["Proposed"] == [2900.0]
        assert most["Binding"] == ["SpeedSetpoint is at its highest, 2900: what the command takes"]
        assert (most["ObjectiveUnit"], most["Valid"]) == ("", True)
        never = await plant.results("Works/OptimizeSetpoints", *asking(constraints=["Pump/Flow >= 900"]))
        assert (never["Valid"], never["ProposalId"]) == (False, "")
        assert "Pump/Flow >= 900 cannot be kept, the nearest is" in never["Reason"]
        for user in ("viewer", ""):
            async with client_of(plant.bridge, user) as client:
                answer = await Hall(plant.bridge, client).call("Works/OptimizeSetpoints", *asking())
                assert answer.StatusCode.name == "BadUserAccessDenied"


async def test_wrong_arguments_have_their_status(folder: Path) -> None:
    """Part 4, 5.12.2: BadInvalidArgument, and for each argument what is wrong with it."""
    number = ua.Variant(1.0, ua.VariantType.Double)
    async with hall(folder, "operator", text=PLANT) as plant:
        await lived(plant)
        for at, status, arguments in (
            (0, "BadInvalidArgument", asking("Energy(Total)")),
            (0, "BadInvalidArgument", asking("min Total*Total")),
            (0, "BadNoMatch", asking("min Energy(Totl)")),
            (0, "BadTypeMismatch", (number, *asking()[1:])),
            (1, "BadNoMatch", asking(variables=["Pump/Flow"])),
            (1, "BadNoMatch", asking(variables=["Lamp/Lit"])),
            (1, "BadInvalidArgument", asking(variables=["Pump/Speed", "Pump/SpeedSetpoint"])),
            (1, "BadInvalidArgument", asking(variables=["Pump/SpeedSetpoint 1000 2000"])),
            (1, "BadOutOfRange", asking(variables=["Pump/SpeedSetpoint 2950..3000"])),
            (1, "BadTypeMismatch", (text(), text("Pump/Speed"), *asking()[2:])),
            (2, "BadNoMatch", asking(constraints=["Flwo <= 3"])),
            (2, "BadInvalidArgument", asking(constraints=["Pump/Flow <= 3 m3/h"])),
            (2, "BadInvalidArgument", asking(constraints=["Pump/Flow 9..3"])),
            (2, "BadOutOfRange", asking(constraints=["Pump/Flow >= 3"] * 21)),
            (3, "BadOutOfRange", asking(horizon=-1.0)),
            (3, "BadOutOfRange", asking(horizon=float("nan"))),
        ):
            answer = await plant.call("Works/OptimizeSetpoints", *arguments)
            assert answer.StatusCode.name == "BadInvalidArgument", arguments
            assert [one.name for one in answer.InputArgumentResults][at] == status, arguments
        answer = await plant.call("Works/OptimizeSetpoints", *asking()[:-1])
        assert answer.StatusCode.name == "BadArgumentsMissing"
        assert "OptimizeSetpoints" not in await plant.children("Works/Lamp/Analytics"), "there is nothing to set"


async def test_without_good_values_there_is_no_answer_and_a_reason(folder: Path) -> None:
    async with hall(folder, "operator", text=PLANT) as plant:
        await plant.until(lambda: _status(plant, "Works/Pump/Speed"), ua.StatusCodes.BadNoCommunication, 10.0)
        said = await plant.results("Works/OptimizeSetpoints", *asking())
        assert not said["Valid"]
        assert "no Good value of Pump/SpeedSetpoint" in said["Reason"]
