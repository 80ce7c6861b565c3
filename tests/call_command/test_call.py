"""`uatwin call`, `read` and `write` against a bridge over the wire: what is printed, and with which exit code."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path

import pytest
from asyncua import ua
from typer.testing import CliRunner

from server.app import Bridge
from server.call_command import asking
from server.call_command.connecting import Whom, connected
from server.call_command.finding import Tree, methods_of, pick
from server.cli import app
from server.config.load import load_plant
from server.control import listening, socket_path
from server.remote import Remote
from server.services.options import MODERN_POLICIES, UaServerOptions
from tests.analysis.conftest import PASSWORD, PLANT, Hall, course, hall, text


def uatwin(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "110", **environment})
    return result.exit_code, result.stdout, result.stderr


async def asked(plant: Hall, *arguments: str, user: str = "", password: str = PASSWORD) -> tuple[int, str, str]:
    """The same with this bridge."""
    whom = ("--user", user) if user else ()
    url = ("--url", plant.bridge.server.endpoint_url)
    return await asyncio.to_thread(uatwin, *arguments, *url, *whom, UATWIN_PASSWORD=password)


@pytest.fixture(autouse=True)
def own_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


async def test_what_there_is_is_shown_and_what_is_mistyped_is_guessed(tmp_path: Path) -> None:
    async with hall(tmp_path) as plant:
        assert await asked(plant, "call") == (
            0,
            "Pump\n  Bearing\nLamp\nuatwin call TWIN shows what one can do; the end of its path is enough.\n",
            "",
        )
        code, said, _ = await asked(plant, "call", "bearing")
        assert code == 0
        assert said.startswith("Analytics of Pump/Bearing\nCheckDataQuality  What the past of signals is worth")
        assert "  Horizon     Double, s  How far ahead; 0: an hour" in said
        code, said, _ = await asked(plant, "call", "pump", "getHealth", "--describe")
        assert "  HealthIndex   Double          100 well, 60 at a warning" in said
        for words, told in (
            (("call", "Pumpp"), "there is no twin Pumpp; did you mean Pump?"),
            (("call", "Pump/Baering"), "Pump has no twin Baering; did you mean Bearing?"),
            (("call", "Pump", "GetHelth"), "Pump has no method GetHelth; did you mean GetHealth?"),
            (("read", "Pump/Sped", "Lampe/Lit"), "Pump has no variable Sped; did you mean Speed?\nthere is no twin"),
        ):
            code, said, complained = await asked(plant, *words)
            assert (code, said) == (2, "")
            assert complained.startswith(told)


async def test_every_wrong_argument_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    """Part 4, 5.12.2: BadInvalidArgument and InputArgumentResults, with diagnostics (7.12) in words."""
    async with hall(tmp_path) as plant:
        wrong = ("Signal=Speed", "Horizon=2x", "Step=8,5", "Confidence=90", "confidence=91", "later")
        code, _, complained = await asked(plant, "call", "Pump", "Forecast", *wrong)
        assert code == 2
        assert complained.splitlines() == [
            "Confidence is given twice",
            "later: write Name=value, such as Signal=later",
            "Horizon: 2x is no number; write 90, 90s, 15min, 2h or 1d",
            "Step: 8,5 is no number; write 8.5",
        ]
        code, _, complained = await asked(plant, "call", "Pump", "CheckDataQuality", "Start=yesterday", "Sgnals=Speed")
        assert "Sgnals: there is no such argument; did you mean Signals?" in complained
        assert "Start: yesterday is no time; write now, -2h, 2026-11-22T10:00" in complained
        code, _, complained = await asked(plant, "call", "Pump", "Forecast", "Signal=Sped", "Confidence=20")
        assert code == 1
        assert complained.startswith("Pump/Forecast: BadInvalidArgument: ")
        assert '  Signal: BadNoMatch: the twin has no numeric signal "Sped"; it has Speed, ' in complained
        nothing = ua.Variant(0.0, ua.VariantType.Double)
        answer = await plant.call("Pump/Forecast", text("Sped"), nothing, nothing, nothing)
        assert answer.InputArgumentResults[0].name == "BadNoMatch"
        assert not answer.InputArgumentDiagnosticInfos, "this client has not asked for them"


async def test_results_are_tables_for_people_and_files_for_machines(tmp_path: Path) -> None:
    async with hall(tmp_path) as plant:
        plant.remember(course(900))
        signals = ("Signals=Speed,Bearing/Vibration", "signals=Flow", "Start=-10min", "End=now")
        code, said, complained = await asked(plant, "call", "Pump", "checkdataquality", *signals)
        assert (code, complained) == (0, "")
        lines = said.splitlines()
        names = [line.split()[0] for line in lines if line[:1].isalpha()]
        assert names[:1] == ["CheckedSignals"]
        assert names[-4:-1] == ["Speed", "Bearing/Vibration", "Flow"]
        assert "in all: Usable yes, " in said
        assert "FlatLines 0 s, Spikes 0" in said
        code, said, _ = await asked(plant, "call", "Pump", "CheckDataQuality", *signals, "--json")
        told = json.loads(said)
        assert (told["method"], told["status"]) == ("Pump/CheckDataQuality", "Good")
        assert told["outputs"]["CheckedSignals"] == ["Speed", "Bearing/Vibration", "Flow"]
        file = tmp_path / "features.csv"
        windows = ("Signals=Speed,Flow", "Window=5min", "FeatureSet=mean,maximum", "Start=-15min", f"--csv={file}")
        code, said, complained = await asked(plant, "call", "Pump", "ExtractFeatures", *windows)
        assert code == 0, complained
        assert "Values  over Times\n" in said
        assert complained == f"wrote {file}\n"
        with file.open(newline="") as opened:
            head, *rows = csv.reader(opened)
        assert head == ["Times", "Speed__mean", "Speed__maximum", "Flow__mean", "Flow__maximum"]
        assert len(rows) >= 2
        assert all(float(row[1]) < float(row[2]) for row in rows)


async def test_what_cannot_be_answered_or_is_not_allowed_has_an_exit_code_and_a_cure(tmp_path: Path) -> None:
    async with hall(tmp_path) as plant:
        plant.live(course(1)[0])
        code, said, complained = await asked(plant, "call", "Pump", "DetectAnomalies")
        assert (code, said) == (1, "")
        assert complained == (
            "Pump/DetectAnomalies: there is no result: the twin has no active Anomaly model; "
            "TrainModel(Anomaly) makes one\n"
        )
        code, _, complained = await asked(plant, "call", "Pump", "TrainModel", "Kind=Anomaly")
        assert code == 1
        assert "BadUserAccessDenied" in complained
        assert "log in with --user" in complained
        code, _, complained = await asked(plant, "call", "Pump", user="engineer", password="guessed")
        assert code == 1
        assert "does not let engineer in: BadUserAccessDenied, unknown user or wrong password" in complained
        plant.live(course(1)[0])
        code, said, _ = await asked(plant, "read", "Pump/Speed", "--json")
        assert code == 0
        assert json.loads(said)["status"] == "Good"
        code, _, complained = await asked(plant, "write", "Pump/Speed", "5", user="operator")
        assert (code, complained.split(": ")[:2]) == (1, ["Pump/Speed", "BadNotWritable"])


async def test_rules_and_scenarios_are_called_as_twins_are(tmp_path: Path) -> None:
    async with hall(tmp_path) as plant:
        rule = "Rule=High: {input: Pump/Speed, high: 9}"
        code, said, complained = await asked(plant, "call", "rules", "addrule", rule, user="engineer")
        assert (code, said.split()[:2]) == (0, ["Paths", "Pump/High"]), complained
        code, _, complained = await asked(plant, "call", "Rules", "AddRule", "Rule=nonsense", user="engineer")
        assert code == 1
        assert complained.startswith("Rules/AddRule: there is no result: ")
        code, said, complained = await asked(plant, "call", "Rules", "RemoveRule", "High", user="engineer")
        assert (code, said) == (0, "Good\n"), complained
        code, said, _ = await asked(plant, "call", "Scenarios")
        assert said.startswith("Methods of Scenarios\nCreateScenario  ")
        code, _, complained = await asked(plant, "call", "Scenarios", "CreateScenario", user="operator")
        assert (code, complained.partition(": ")[2]) == (
            1,
            "there is no result: the plant has no model; give it one with model: in the plant file\n",
        )


MODELLED = PLANT.replace(
    "    connection: device\n    telemetry:\n      Speed",
    "    connection: device\n    model: {kind: sum, inputs: {value: 2}, outputs: {total: Flow}}\n    telemetry:\n"
    "      Speed",
    1,
)


async def test_what_a_scenario_says_of_itself_is_read_and_its_speed_is_written(tmp_path: Path) -> None:
    async with hall(tmp_path, text=MODELLED) as plant:
        code, said, complained = await asked(
            plant, "call", "Scenarios", "CreateScenario", "Name=Try", "Speed=0", user="operator"
        )
        assert code == 0, complained
        code, said, complained = await asked(plant, "read", "Scenarios/Try/State", "scenarios/try/Models")
        assert code == 0, complained
        assert [" ".join(line.split()[1:-2]) for line in said.splitlines()] == [
            "Paused Good",
            "/Pump: sum (sum, fidelity 0) Good",
        ]
        code, said, _ = await asked(plant, "write", "Scenarios/Try/Speed", "10", user="operator")
        assert (code, said) == (0, "Scenarios/Try/Speed = 10: Good\n")
        code, _, complained = await asked(plant, "write", "Scenarios/Try/Speed", "5000", user="operator")
        assert (code, complained.split(": ")[:2]) == (1, ["Scenarios/Try/Speed", "BadOutOfRange"])
        assert "600" in complained, "the range is told"
        code, _, complained = await asked(plant, "write", "Scenarios/Try/State", "Paused", user="operator")
        assert (code, complained.split(": ")[:2]) == (1, ["Scenarios/Try/State", "BadNotWritable"])


async def test_a_job_that_nobody_waits_for_any_more_is_halted(tmp_path: Path) -> None:
    """Part 10, 5.2.1: Halt. Ctrl-C cancels the task that asks."""
    async with hall(tmp_path) as plant:
        plant.remember(course(900))
        async with connected(Whom(plant.bridge.server.endpoint_url, user="engineer", password=PASSWORD)) as desk:
            method = pick(await methods_of(desk, await Tree(desk).find("Pump")), "ExtractFeatures", "Pump")
            watched = asyncio.Event()
            call = asking.call(desk, method, ["FeatureSet=Comprehensive"], lambda state, percent: watched.set())
            task = asyncio.create_task(call)
            await asyncio.wait_for(watched.wait(), 20)
            task.cancel()
            with pytest.raises(asking.Halted, match="halted job Pump/Jobs/ExtractFeatures-"):
                await task
        (job,) = await plant.children("Pump/Jobs")
        assert await plant.state(f"Pump/Jobs/{job}") == "Halted"


async def test_the_bridge_of_this_computer_is_found_by_itself(tmp_path: Path) -> None:
    code, _, complained = await asyncio.to_thread(uatwin, "call")
    assert (code, complained.split(";")[0]) == (1, "no bridge runs here")
    async with hall(tmp_path) as plant:
        async with listening(socket_path("Hall"), Remote(plant.bridge, tmp_path / "plant.yaml").verbs):
            code, said, _ = await asyncio.to_thread(uatwin, "call", "--plant", "Hall")
            assert (code, said.split()[0]) == (0, "Pump")
            code, _, complained = await asyncio.to_thread(uatwin, "call", "--plant", "Hell")
        assert (code, complained.split(";")[0]) == (1, "no bridge of plant Hell runs here")
        url = plant.bridge.server.endpoint_url
    code, _, complained = await asyncio.to_thread(uatwin, "call", "--url", url)
    assert code == 1
    assert complained.startswith(f"nobody answers at {url}")


async def test_a_secured_bridge_is_reached_once_both_sides_trust_each_other(tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_text(PLANT)
    options = UaServerOptions(tmp_path / "pki", "opc.tcp://127.0.0.1:0/hall", policies=MODERN_POLICIES[-1:])
    bridge, started = Bridge(load_plant(tmp_path / "plant.yaml"), options), asyncio.Event()
    running = asyncio.create_task(bridge.run(started.set))
    try:
        await started.wait()
        url = bridge.server.endpoint_url
        code, _, complained = await asyncio.to_thread(uatwin, "call", "--url", url)
        assert code == 1
        assert "does not trust this terminal yet: on its computer move the certificate uatwin_call [" in complained
        (rejected,) = (tmp_path / "pki/rejected/certs").iterdir()
        assert rejected.name in complained
        rejected.rename(tmp_path / "pki/trusted/certs" / rejected.name)
        code, said, complained = await asyncio.to_thread(uatwin, "call", "--url", url)
        assert (code, said.split()[0]) == (0, "Pump"), complained
        (known,) = (tmp_path / "home/uatwin/client-pki/trusted/certs").iterdir()
        known.write_bytes(rejected.name.encode())
        code, _, complained = await asyncio.to_thread(uatwin, "call", "--url", url)
        assert (code, "shows another certificate than before" in complained) == (1, True)
    finally:
        running.cancel()
        await asyncio.wait([running])
