"""The life of a model as an OPC UA client sees it: trained, active, scored each second, back after a restart."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path

import numpy as np
from asyncua import ua

from tests.analysis.conftest import SIGNALS, course, hall, no_time, text, training


async def test_a_model_is_trained_activated_scored_exported_and_is_back_after_a_restart(folder: Path) -> None:
    past = course(1800)
    async with hall(folder) as plant:
        plant.remember(past)
        refused = await plant.results("Pump/DetectAnomalies", no_time(), no_time(), text())
        assert not refused["Valid"]
        assert "no active Anomaly model; TrainModel(Anomaly) makes one" in refused["Reason"]
        assert (await plant.read("Pump/AnomalyScore")).StatusCode.name == "BadNotConnected"

        trained = await plant.results("Pump/TrainModel", *training())
        assert (trained["State"], trained["ModelId"], trained["Valid"]) == ("Candidate", "Anomaly-1", True)
        assert dict(zip(trained["FigureNames"], trained["Figures"], strict=True))["FalseAlarmShare"] < 0.1
        assert 99.0 < trained["DataQuality"] <= 100.0
        assert await plant.children("Pump/Models") == ["Anomaly-1"]
        model = "Pump/Models/Anomaly-1"
        assert await plant.value(f"{model}/State") == "Candidate"
        assert len(await plant.value(f"{model}/DataHash")) == 64
        assert await plant.value(f"{model}/ContextSignals") == ["Speed"]
        assert await plant.value(f"{model}/Figures/FalseAlarmShare") < 0.1
        assert any(one.startswith("numpy=") for one in await plant.value(f"{model}/LibraryVersions"))

        activated = await plant.results("Pump/ActivateModel", text("Anomaly-1"))
        assert (activated["State"], activated["RetiredModelId"]) == ("Active", "")
        second = await plant.results("Pump/TrainModel", *training("Anomaly", "activate=true"))
        assert (second["State"], second["ModelId"]) == ("Active", "Anomaly-2")
        listed = await plant.results("Pump/ListModels", text())
        assert list(zip(listed["ModelIds"], listed["States"], strict=True)) == [
            ("Anomaly-2", "Active"),
            ("Anomaly-1", "Retired"),
        ]
        told = await plant.results("Pump/GetModel", text("Anomaly-2"))
        assert (told["Version"], told["ModelId"], len(told["Signals"])) == (2, "Anomaly-2", len(SIGNALS) - 1)
        archive = (await plant.results("Pump/ExportModel", text("Anomaly-2")))["Archive"]
        with zipfile.ZipFile(io.BytesIO(archive)) as bundle:
            assert json.loads(bundle.read("record.json"))["id"] == "Anomaly-2"
            assert np.load(io.BytesIO(bundle.read("arrays.npz")), allow_pickle=False).files

    async with hall(folder, "viewer") as plant:
        plant.remember(past)
        assert await plant.value("Pump/Models/Anomaly-2/State") == "Active"
        found = await plant.results("Pump/DetectAnomalies", no_time(), no_time(), text())
        assert (found["Valid"], found["ModelId"]) == (True, "Anomaly-2")


async def test_the_live_score_rises_above_1_when_signals_do_not_hang_together_any_more(folder: Path) -> None:
    async with hall(folder) as plant:
        plant.remember(course(1800))
        await plant.results("Pump/TrainModel", *training("Anomaly", "Activate=true"))
        candidate = await plant.results("Pump/TrainModel", *training())
        assert candidate["State"] == "Candidate"
        live = plant.bridge.live
        rows, wrong = course(60, seed=2), course(60, seed=3)
        wrong[:, 3] *= 3.0
        scores = {}
        later = time.monotonic() + 1e6  # the bridge's own clock is behind, and its looks in between count for nothing
        for name, values in (("normal", rows), ("worn", wrong)):
            for second, row in enumerate(values):
                plant.live(row)
                await live.score(later + 1e6 * (name == "worn") + second)
            scores[name] = [await plant.read(f"Pump/{one}") for one in ("AnomalyScore", "CandidateScore")]
        assert [one.StatusCode.name for one in (*scores["normal"], *scores["worn"])] == ["Good"] * 4
        assert all(one.Value.Value < 1.0 for one in scores["normal"])
        assert all(one.Value.Value > 2.0 for one in scores["worn"])
        limits = await plant.value("Pump/AnomalyScore.EURange")
        assert (limits.Low, limits.High) == (0.0, 1.0)

        said = await plant.results(
            "Pump/LabelEvent", text(), text("maintenance"), no_time(), no_time(), text("bearing")
        )
        assert said["InvalidModelIds"] == ["Anomaly-1", "Anomaly-2"]
        assert "baseline invalid since maintenance at" in await plant.value("Pump/Models/Anomaly-1/Reason")
        await live.score()
        assert (await plant.read("Pump/AnomalyScore")).StatusCode.name in ("Uncertain", "BadDataUnavailable")


async def test_who_may_not_is_told_so(folder: Path) -> None:
    """Reading functions are for all; labels for operators, models for engineers."""
    async with hall(folder, "operator") as plant:
        assert (await plant.call("Pump/TrainModel", *training())).StatusCode.name == "BadUserAccessDenied"
        assert (await plant.call("Pump/RetireModel", text("Anomaly-1"))).StatusCode.name == "BadUserAccessDenied"
        label = (text(), text("Fault"), no_time(), no_time(), text("it squeaked"))
        assert (await plant.call("Pump/LabelEvent", *label)).StatusCode.is_good()
        executable = plant.client.get_node(plant.node_id("Pump/TrainModel"))
        assert not (await executable.read_attribute(ua.AttributeIds.UserExecutable)).Value.Value
    async with hall(folder, "") as plant:
        assert (await plant.call("Pump/LabelEvent", *label)).StatusCode.name == "BadUserAccessDenied"
        assert (await plant.results("Pump/ListModels", text()))["Valid"]


async def test_wrong_arguments_are_named(folder: Path) -> None:
    async with hall(folder) as plant:
        for path, arguments, index, status in (
            ("Pump/TrainModel", training("Anomly"), 0, "BadNoMatch"),
            ("Pump/TrainModel", training("Anomaly", "windw=3"), 6, "BadNoMatch"),
            ("Pump/TrainModel", training("Anomaly", "Activate=perhaps"), 6, "BadOutOfRange"),
            ("Pump/GetModel", (text("Anomaly-7"),), 0, "BadNoMatch"),
            ("Pump/ActivateModel", (text(),), 0, "BadNoMatch"),
            ("Pump/LabelEvent", (text(), text("Holiday"), no_time(), no_time(), text()), 1, "BadNoMatch"),
            ("Pump/LabelEvent", (text("x"), text("Fault"), no_time(), no_time(), text()), 0, "BadNoMatch"),
        ):
            answer = await plant.call(path, *arguments)
            assert answer.StatusCode.name == "BadInvalidArgument", path
            assert answer.InputArgumentResults[index].name == status, path


async def test_too_little_to_train_on_leaves_a_draft_that_says_why(folder: Path) -> None:
    async with hall(folder) as plant:
        plant.remember(course(20))
        trained = await plant.results("Pump/TrainModel", *training())
        assert not trained["Valid"]
        assert trained["Reason"]
        assert await plant.value("Pump/Models/Anomaly-1/State") == "Draft"
        assert await plant.value("Pump/Models/Anomaly-1/Reason") == trained["Reason"]
        answer = await plant.results("Pump/ActivateModel", text("Anomaly-1"))
        assert not answer["Valid"]


async def test_a_twin_has_the_methods_that_its_tags_are_enough_for(folder: Path) -> None:
    async with hall(folder) as plant:
        assert "TrainModel" in await plant.children("Pump/Bearing/Analytics")
        assert (await plant.read("Lamp/AnomalyScore")).StatusCode.name == "BadNodeIdUnknown"
        lamp = ua.ReadValueId(plant.node_id("Lamp/TrainModel"), ua.AttributeIds.BrowseName)
        (answer,) = await plant.client.uaclient.read(ua.ReadParameters(NodesToRead=[lamp]))
        assert answer.StatusCode.name == "BadNodeIdUnknown"
