"""Simulate, Predict and ListSimulationModels as an OPC UA client sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import ua

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.app import Bridge
from server.config.load import load_plant
from server.services.options import UaServerOptions
from tests.analysis.conftest import SECOND, Hall, client_of, no_time, text, texts
from tests.simulators.bridge import at_work
from tests.simulators.fmus import GAIN, TIME_CONSTANT_S, build_fmu
from tests.simulators.onnx_files import build_onnx, expected

PLANT = """
plant: {name: Works}
connections:
  device: {driver: modbus, host: 127.0.0.1, port: 1, reconnect_first_s: 1000, reconnect_last_s: 1000}
x-tag: &tag {type: Double, stale_s: 10000}
twins:
  Hall:
    scope: system
    connection: device
    telemetry:
      Outdoor: {<<: *tag, unit: FAH, point: {table: input, address: 0}}
      Total: {<<: *tag, unit: KWT, point: {table: input, address: 40}}
    model: {kind: sum, inputs: {value: [{tag: Pump/Power, scale: 0.001}, 4]}, outputs: {total: Total}}
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
          Power: {<<: *tag, unit: WTT, point: {table: input, address: 12}}
        commands:
          SpeedSetpoint: {<<: *tag, unit: RPM, point: {address: 0}}
        components:
          Motor:
            scope: component
            model:
              kind: motor
              inputs: {shaft_power: "..:shaft_power", ambient: /Hall/Outdoor}
              outputs: {winding: Winding}
            telemetry:
              Winding: {<<: *tag, unit: CEL, point: {table: input, address: 16}}
FMU      Body:
FMU        scope: asset
FMU        model: {fmu: body.fmu, inputs: {power: Power}, outputs: {temperature: Temperature}}
FMU        telemetry:
FMU          Power: {<<: *tag, unit: KWT, point: {table: input, address: 20}}
FMU          Temperature: {<<: *tag, unit: FAH, point: {table: input, address: 24}}
ONNX      Net:
ONNX        scope: asset
ONNX        model: {onnx: net.onnx, inputs: [A, B], outputs: [Y], ranges: {in1: [0, 10]}}
ONNX        telemetry:
ONNX          A: {<<: *tag, point: {table: input, address: 28}}
ONNX          B: {<<: *tag, point: {table: input, address: 32}}
ONNX          Y: {<<: *tag, point: {table: input, address: 36}}
      Lamp:
        scope: asset
        telemetry:
          Lit: {type: Boolean, point: {table: discrete, address: 1}}
"""


@asynccontextmanager
async def works(folder: Path, *parts: str) -> AsyncIterator[Hall]:
    """The bridge with twins that have models, and a client. parts: FMU, ONNX."""
    lines = [line for line in PLANT.splitlines() if not line.startswith(("FMU", "ONNX")) or line.startswith(parts)]
    for part in parts:
        lines = [line.removeprefix(part) for line in lines]
    (folder / "plant.yaml").write_text("\n".join(lines))
    options = UaServerOptions(folder / "pki", "opc.tcp://127.0.0.1:0/works", users_file=None)
    bridge = Bridge(load_plant(folder / "plant.yaml"), options)
    async with at_work(bridge), client_of(bridge, "") as client:
        plant = Hall(bridge, client)
        await plant.until(lambda: _status(plant, "Hall/Outdoor"), Status.BadNoCommunication)
        yield plant


async def _status(plant: Hall, path: str) -> int:
    return int(plant.bridge.table.status[plant.bridge.space.row_of(plant.node_id(path))])


def measured(plant: Hall, values: Mapping[str, float], ago_s: float = 0.0) -> None:
    """Readings of the device, all at one time."""
    rows = [plant.bridge.space.row_of(plant.node_id(path)) for path in values]
    plant.bridge.table.commit(
        Readings(
            np.array(rows, np.int32),
            to_cells(np.array(list(values.values())), DataType.Double),
            np.zeros(len(rows), np.uint32),
            np.full(len(rows), now_ticks() - round(ago_s * SECOND), np.int64),
        )
    )


def number(value: float) -> ua.Variant:
    return ua.Variant(value, ua.VariantType.Double)


def numbers(*values: float) -> ua.Variant:
    return ua.Variant(list(values), ua.VariantType.Double, is_array=True)


def asking(
    given: Mapping[str, float], start: Any = None, duration: float = 0.0, step: float = 0.0, model: str = ""
) -> Any:
    """The arguments of Simulate."""
    begin = no_time() if start is None else ua.Variant(start, ua.VariantType.DateTime)
    return texts(*given), numbers(*given.values()), begin, number(duration), number(step), text(model)


def column(said: dict[str, Any], name: str, of: str = "Trajectories") -> Any:
    """One output over time."""
    return np.reshape(said[of], (len(said["Times"]), -1))[:, said["Outputs"].index(name)]


NOW = {"Hall/Pump/Speed": 3000.0, "Hall/Outdoor": 68.0, "Hall/Pump/Motor/Winding": 40.0}


async def test_what_if_the_pump_ran_at_half_speed(folder: Path) -> None:
    async with works(folder) as plant:
        measured(plant, NOW)
        said = await plant.results("Hall/Pump/Simulate", *asking({"SpeedSetpoint": 1500.0}, duration=7200.0))
        assert (said["Valid"], said["Reason"]) == (True, "")
        assert said["Models"] == ["pump (pump, fidelity 0)", "Motor: motor (motor, fidelity 1)"]
        assert dict(zip(said["Outputs"], said["Units"], strict=True))["Power"] == "WTT"
        full = column(said, "Flow") - column(said, "Flow", "Differences")
        np.testing.assert_allclose(column(said, "Flow"), 0.5 * full, err_msg="affinity laws")
        shaft, cut = column(said, "shaft_power"), column(said, "shaft_power", "Differences")
        np.testing.assert_allclose(shaft, (shaft - cut) / 8.0)
        load, winding = 7.5 / 7.5, column(said, "Motor/Winding")
        assert winding[0] == pytest.approx(40.0, abs=1e-6), "it begins where it is measured"
        share = 0.2 + 0.8 * (float(shaft[0]) / 15.0 * load) ** 2
        assert winding[-1] == pytest.approx(20.0 + 80.0 * share, abs=0.1), "68 F are 20 degrees Celsius"
        kpis = dict(zip(said["KpiNames"], zip(said["Kpis"], said["KpiUnits"], strict=True), strict=True))
        power = float(column(said, "Power")[0])
        assert kpis["Mean(Power)"] == (pytest.approx(power), "WTT")
        assert kpis["Energy(Power)"] == (pytest.approx(2.0 * power / 1000.0), "KWH")
        assert kpis["specific_energy(pump)"][0] == pytest.approx(power / 1000.0 / float(column(said, "Flow")[0]))
        differences = dict(zip(said["KpiNames"], said["KpiDifferences"], strict=True))
        assert differences["Energy(Power)"] < 0.0
        assert said["Times"][-1] - said["Times"][0] == timedelta(hours=2)
        assert dict(zip(said["InputNames"], said["InputValues"], strict=True)) == {
            "Speed": 1500.0,
            "/Hall/Outdoor": 68.0,
        }
        far = await plant.results("Hall/Simulate", *asking({"Pump/Speed": 4000.0, "Pump/Motor/Winding": 90.0}))
        assert far["Valid"], far["Reason"]
        energy = dict(zip(far["KpiNames"], far["Kpis"], strict=True))
        assert energy["Energy(Total)"] == pytest.approx(energy["Energy(Pump/Power)"] + 4.0), "its tag is in kW"
        assert far["Extrapolated"] == ["Pump/Speed"]
        assert "extrapolated" in far["Reason"]
        assert column(far, "Pump/Motor/Winding")[0] == pytest.approx(90.0), "the tag of a state says where it begins"


async def test_the_past_is_replayed_and_the_future_held(folder: Path) -> None:
    async with works(folder) as plant:
        for ago, speed in ((1200.0, 1000.0), (600.0, 2000.0)):
            measured(plant, {**NOW, "Hall/Pump/Speed": speed}, ago)
        start = datetime.now(UTC) - timedelta(seconds=1000)
        said = await plant.results("Hall/Pump/Simulate", *asking({}, start, 1100.0, 100.0))
        flow = column(said, "Flow")
        np.testing.assert_allclose(flow[5:] / flow[0], 2.0)
        np.testing.assert_allclose(flow[:4], flow[0])
        assert "lie in the future" in said["Reason"]
        assert not np.any(said["Differences"]), "nothing was given"
        assert said["DataQuality"] == pytest.approx(100 * 2 / 3), "two readings each, and that the device is away"


async def test_wrong_arguments_have_their_status(folder: Path) -> None:
    """Part 4, 5.12.2: BadInvalidArgument, and for each argument what is wrong with it."""
    async with works(folder) as plant:
        measured(plant, NOW)
        later = datetime.now(UTC) + timedelta(days=1)
        for at, status, arguments in (
            (0, "BadNoMatch", asking({"Speeed": 1.0})),
            (0, "BadNoMatch", asking({"Flow": 1.0})),
            (1, "BadInvalidArgument", (texts("Speed"), numbers(), *asking({})[2:])),
            (0, "BadInvalidArgument", asking({"Speed": 1.0, "SpeedSetpoint": 2.0})),
            (1, "BadOutOfRange", asking({"Speed": float("nan")})),
            (0, "BadTypeMismatch", (numbers(1.0), *asking({})[1:])),
            (2, "BadOutOfRange", asking({}, later)),
            (3, "BadOutOfRange", asking({}, None, -1.0)),
            (3, "BadOutOfRange", asking({}, None, float("inf"))),
            (4, "BadOutOfRange", asking({}, None, 60.0, 61.0)),
            (4, "BadOutOfRange", asking({}, None, 3600.0, 0.001)),
            (5, "BadNoMatch", asking({}, model="best")),
        ):
            answer = await plant.call("Hall/Pump/Simulate", *arguments)
            assert answer.StatusCode.name == "BadInvalidArgument", arguments
            assert [one.name for one in answer.InputArgumentResults][at] == status, arguments
        answer = await plant.call("Hall/Pump/Simulate", *asking({})[:-1])
        assert answer.StatusCode.name == "BadArgumentsMissing"
        assert "Simulate" not in await plant.children("Hall/Lamp/Analytics"), "there is nothing to simulate"


async def test_without_a_good_value_there_is_no_answer_and_a_reason(folder: Path) -> None:
    async with works(folder) as plant:
        said = await plant.results("Hall/Pump/Simulate", *asking({}))
        assert not said["Valid"]
        assert "no Good value of Speed" in said["Reason"]
        assert "give it one in Names and Values" in said["Reason"]
        given = await plant.results("Hall/Pump/Simulate", *asking({"Speed": 1500.0, "/Hall/Outdoor": 68.0}))
        assert given["Valid"]
        assert "there is no baseline" in given["Reason"]
        assert np.isnan(given["Differences"]).all()


async def test_the_models_are_listed_with_fidelity_cost_and_validity(folder: Path) -> None:
    async with works(folder) as plant:
        said = await plant.results("Hall/ListSimulationModels")
        assert (said["Twins"], said["Names"]) == (["", "Pump", "Pump/Motor"], ["sum", "pump", "motor"])
        assert said["Fidelities"] == [0, 0, 1]
        assert all(0.0 < cost < 1.0 for cost in said["Costs"])
        assert "speed 600 to 3300" in said["Validities"][1]
        assert "speed = Pump/Speed" in said["Inputs"][1]
        assert "shaft_power = Pump:shaft_power" in said["Inputs"][2]
        assert "shutoff = 52" in said["Parameters"][1]


async def test_an_fmu_runs_in_a_worker_and_its_death_harms_nobody(folder: Path) -> None:
    build_fmu(folder / "body.fmu", 2)
    async with works(folder, "FMU") as plant:
        measured(plant, {**NOW, "Hall/Body/Power": 20.0, "Hall/Body/Temperature": 68.0})
        said = await plant.results("Hall/Body/Simulate", *asking({"Power": 30.0}, duration=1800.0, step=60.0))
        assert said["Models"] == ["fmu (fmu, fidelity 2)"]
        seconds = np.arange(0.0, 1801.0, 60.0)
        exact = GAIN * 30.0 * (1.0 - np.exp(-seconds / TIME_CONSTANT_S))
        np.testing.assert_allclose(column(said, "Temperature"), exact * 1.8 + 32.0, rtol=1e-9, err_msg="in Fahrenheit")
        wide = await plant.results("Hall/Body/Simulate", *asking({"Power": 60.0}))
        assert wide["Extrapolated"] == ["Power"], "its description says from 0 to 50"
        refused = await plant.results("Hall/Body/Simulate", *asking({"Power": -2000.0}))
        assert (refused["Valid"], "refuses the step" in refused["Reason"]) == (False, True)
        died = await plant.call("Hall/Body/Simulate", *asking({"Power": 2000.0}))
        assert died.StatusCode.name == "BadResourceUnavailable"
        again = await plant.results("Hall/Body/Simulate", *asking({"Power": 30.0}))
        assert again["Valid"]


async def test_an_onnx_file_predicts_beside_what_is_measured(folder: Path) -> None:
    build_onnx(folder / "net.onnx")
    async with works(folder, "ONNX") as plant:
        measured(plant, {"Hall/Net/A": 2.0, "Hall/Net/B": 3.0, "Hall/Net/Y": 7.0})
        said = await plant.results("Hall/Net/Predict", texts(), numbers(), text())
        assert (said["Outputs"], said["Measured"]) == (["Y"], [7.0])
        assert said["Predicted"][0] == pytest.approx(expected(np.array([[2.0, 3.0]]))[0], rel=1e-5)
        other = await plant.results("Hall/Net/Predict", texts("A"), numbers(20.0), text())
        assert other["Valid"], other["Reason"]
        assert other["Predicted"][0] == pytest.approx(expected(np.array([[20.0, 3.0]]))[0], rel=1e-5)
        assert other["Extrapolated"] == ["A"]
        wrong = await plant.call("Hall/Net/Predict", texts("C"), numbers(1.0), text())
        assert wrong.InputArgumentResults[0].name == "BadNoMatch"
