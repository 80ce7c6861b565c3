"""The commands at work: what is imported works on real sockets, and files are not written over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.acquisition.probe import probe
from server.cli import app
from server.config.load import load_plant
from tests.simulators.coap_device import CoapDevice
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.mqtt_broker import MqttBroker, free_port

LIST = """Tag Name,Address,Data Type,Client Access,Scaling,Raw Low,Raw High,Scaled Low,Scaled High,Eng Units
Pump.Speed,400001,Float,RO,,,,,,rpm
Pump.Pressure,300003,Word,RO,Linear,0,1000,0,10,bar
Pump.Run,000005,Boolean,R/W,,,,,,
Pump.Name,400020.6H,String,RO,,,,,,
"""


def _uatwin(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.stdout, result.stderr


async def test_an_imported_tag_list_reads_the_device(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text(LIST)
    made = tmp_path / "plant.yaml"
    async with ModbusDevice() as device:
        device.put(0, 1450.0, ">f4")
        device.inputs[2] = 325
        device.coils[4] = True
        device.put(19, b"PUMP-1", "S6")
        words = ("--driver", "modbus", "--host", "127.0.0.1", "--port", str(device.port), "--out", str(made))
        assert _uatwin("import", "csv", str(tmp_path / "tags.csv"), *words)[0] == 0
        (one,) = await probe(load_plant(made))
    assert one.works
    assert {a.tag.path: a.value for a in one.answers} == {
        "Pump/Speed": 1450.0,
        "Pump/Pressure": pytest.approx(3.25),
        "Pump/Run": True,
        "Pump/Name": "PUMP-1",
    }


async def test_an_imported_thing_reads_modbus_mqtt_and_coap_at_once(tmp_path: Path) -> None:
    with MqttBroker() as broker:
        async with ModbusDevice() as device, CoapDevice() as station:
            device.put(9, 77, ">u2")
            station.set("/air", {"t": 21.5})
            await broker.publish("door", "true", "-r")
            forms = {
                "count": ("integer", f"modbus+tcp://127.0.0.1:{device.port}/1/10", {"modv:entity": "HoldingRegister"}),
                "air": ("object", f"coap://127.0.0.1:{station.port}/air", {}),
                "door": (
                    "boolean",
                    f"mqtt://127.0.0.1:{broker.port}/",
                    {"mqv:filter": "door", "op": "observeproperty"},
                ),
            }
            thing = {
                "@context": "https://www.w3.org/2022/wot/td/v1.1",
                "title": "Hall",
                "properties": {
                    name: {"type": kind, "readOnly": True, "forms": [{"href": href, **terms}]}
                    for name, (kind, href, terms) in forms.items()
                },
            }
            thing["properties"]["air"]["properties"] = {"t": {"type": "number", "unit": "Cel"}}  # type: ignore[index]
            (tmp_path / "thing.td.json").write_text(json.dumps(thing))
            made = tmp_path / "plant.yaml"
            code, _, told = _uatwin("import", "td", str(tmp_path / "thing.td.json"), "--out", str(made))
            assert code == 0, told
            probes = await probe(load_plant(made), wait_s=3)
    values = {answer.tag.path: answer.value for one in probes for answer in one.answers}
    assert values == {"Hall/count": 77, "Hall/air_t": 21.5, "Hall/door": True}


def test_a_file_is_written_over_only_when_told_so(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text(LIST)
    made = tmp_path / "plant.yaml"
    words = ("import", "csv", str(tmp_path / "tags.csv"), "--driver", "modbus", "--host", "h", "--out", str(made))
    assert _uatwin(*words)[0] == 0
    code, _, told = _uatwin(*words)
    assert code == 2
    assert "--force" in told
    assert _uatwin(*words, "--force")[0] == 0


def test_without_out_the_plant_file_is_all_that_is_printed(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text(LIST)
    code, text, told = _uatwin("import", "csv", str(tmp_path / "tags.csv"), "--driver", "modbus", "--host", "h")
    assert code == 0
    (tmp_path / "plant.yaml").write_text(text)
    assert len(load_plant(tmp_path / "plant.yaml").connections["device"].tags) == 4
    assert told.endswith("4 of 4 tags imported\n")
    code, csv_text, unsaid = _uatwin("export", "csv", str(tmp_path / "plant.yaml"))
    assert code == 0
    assert csv_text.splitlines()[1].startswith("Pump.Speed,400001,Float,1,RO,1000,")
    assert "settings of the connection (host)" in unsaid


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--driver", "modbuss", "--host", "h"), "did you mean modbus?"),
        (("--driver", "modbus", "--host", "h", "--addresses", "dozens"), "dozens"),
        (("--driver", "modbus", "--host", "h", "--word-order", "middle"), "middle"),
    ],
)
def test_a_wrong_option_is_told(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    (tmp_path / "tags.csv").write_text(LIST)
    code, _, text = _uatwin("import", "csv", str(tmp_path / "tags.csv"), *words)
    assert code == 2
    assert told in text


def test_a_connection_to_export_must_be_chosen_where_there_are_several(tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_text("""
plant: {name: P}
connections: {a: {driver: modbus, host: h}, b: {driver: modbus, host: i}}
twins:
  T:
    scope: asset
    telemetry:
      A: {type: Float, connection: a, point: {address: 0}}
      B: {type: Float, connection: b, point: {address: 0}}
""")
    assert "choose one by --connection" in _uatwin("export", "csv", str(tmp_path / "plant.yaml"))[2]
    assert "did you mean" in _uatwin("export", "csv", str(tmp_path / "plant.yaml"), "--connection", "bb")[2]
    code, text, _ = _uatwin("export", "csv", str(tmp_path / "plant.yaml"), "--connection", "b")
    assert code == 0
    assert [line.split(",")[0] for line in text.splitlines()] == ["Tag Name", "T.B"]


def test_probe_prints_a_table_or_json_and_exits_1_where_a_device_is_silent(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text(LIST)
    plant = tmp_path / "plant.yaml"
    words = ("--driver", "modbus", "--host", "127.0.0.1", "--port", str(free_port()), "--out", str(plant))
    assert _uatwin("import", "csv", str(tmp_path / "tags.csv"), *words)[0] == 0
    code, text, _ = _uatwin("probe", str(plant))
    assert code == 1
    assert text.startswith("device (modbus 127.0.0.1): ")
    code, text, _ = _uatwin("probe", str(plant), "device", "--json")
    assert code == 1
    assert json.loads(text)["connection"] == "device"
    code, _, told = _uatwin("probe", str(plant), "devise")
    assert code == 2
    assert "did you mean device?" in told
    assert _uatwin("probe", str(tmp_path / "none.yaml"))[0] == 2
