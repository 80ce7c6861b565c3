"""A device that says what it has becomes a piece of a plant file that loads and works."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
import yaml

from drivers.coap.answer import Answer
from drivers.coap.discover import Link, describe, parse_links
from drivers.senml_units import UNECE
from nodesets.units import unit
from server.config.load import load_plant
from server.discover import WrongUrl, discover, read_url
from tests.simulators.coap_device import CoapDevice, encode

SENML = [
    {"bn": "urn:dev:ow:10e2073a01080063:", "n": "temp", "u": "Cel", "v": 21.5},
    {"n": "humidity", "u": "%RH", "v": 40},
    {"n": "open", "vb": True},
    {"n": "label", "vs": "door"},
]


def explored(path: str, payload: object, form: str = "json", number: int = 50, **attributes: str) -> object:
    return Link(path, attributes), Answer(0x45, encode(payload, form), number)


def test_the_example_of_rfc_6690_is_read() -> None:
    links = parse_links(
        '</sensors>;ct=40;title="Sensor Index",</sensors/temp>;rt="temperature-c";if="sensor";obs,'
        '</sensors/light>;rt="light-lux, indoor";if="sensor",<http://www.example.com/sensors/t123>;anchor="/sensors/temp"'
        ';rel="describedby",</t>;anchor="/sensors/temp";rel="alternate",</.well-known/core>,</q?x=1>'
    )
    assert [link.path for link in links] == ["/sensors", "/sensors/temp", "/sensors/light", "/t"]
    assert links[0].attributes == {"ct": "40", "title": "Sensor Index"}
    assert [link.observable for link in links] == [False, True, False, False]
    assert links[2].attributes["rt"] == "light-lux, indoor"


@pytest.mark.parametrize("text", ["", "nonsense", "<", "</a", "</a>;", '</a>;title="', "<>", ",,,", "</a>;;;=,</b>"])
def test_broken_links_are_left_out(text: str) -> None:
    assert all(link.path.startswith("/") for link in parse_links(text))


@pytest.mark.parametrize(("form", "number"), [("senml_json", 110), ("senml_cbor", 112)])
def test_senml_brings_names_types_and_units(form: str, number: int) -> None:
    found = describe([explored("/all", SENML, form, number, obs="")])  # type: ignore[list-item]
    prefix = "urn:dev:ow:10e2073a01080063:"
    assert found.telemetry == {
        "Temp": {"type": "Double", "unit": "CEL", "point": {"path": "/all", "name": prefix + "temp"}},
        "Humidity": {"type": "Double", "unit": "P1", "point": {"path": "/all", "name": prefix + "humidity"}},
        "Open": {"type": "Boolean", "point": {"path": "/all", "name": prefix + "open"}},
        "Label": {"type": "String", "point": {"path": "/all", "name": prefix + "label"}},
    }


def test_every_unit_of_senml_is_one_of_unece() -> None:
    for symbol, code in UNECE.items():
        assert unit(code).code == code, symbol


def test_json_cbor_and_text_are_taken_apart() -> None:
    found = describe(
        [
            explored("/w", {"t": 1.5, "wind": {"speed": 3, "gusts": [1, 2.5]}, "on": True, "a b": "x", "none": None}),
            explored("/c", {"v": 4}, "cbor", 60, obs=""),
            explored("/text/number", " 21.5 ", "text", 0, title="Water {in}"),
            explored("/text/state", "ON", "text", 0),
            explored("/text/words", "hello", "text", 0),
            explored("/raw", b"\0\1", "raw", 42),
        ]  # type: ignore[list-item]
    )
    polled = {"observe": False}
    assert found.telemetry == {
        "WT": {"type": "Double", "point": {"path": "/w", "value": "$.t"} | polled},
        "WWindSpeed": {"type": "Double", "point": {"path": "/w", "value": "$.wind.speed"} | polled},
        "WWindGusts": {"type": "Double", "array_length": 2, "point": {"path": "/w", "value": "$.wind.gusts"} | polled},
        "WOn": {"type": "Boolean", "point": {"path": "/w", "value": "$.on"} | polled},
        "WAB": {"type": "String", "point": {"path": "/w", "value": '$["a b"]'} | polled},
        "CV": {"type": "Double", "point": {"path": "/c", "value": "$.v"}},
        "TextNumber": {"type": "Double", "description": "Water (in)", "point": {"path": "/text/number"} | polled},
        "TextState": {"type": "Boolean", "point": {"path": "/text/state"} | polled},
        "TextWords": {"type": "String", "point": {"path": "/text/words"} | polled},
        "Raw": {"type": "ByteString", "point": {"path": "/raw"} | polled},
    }


def test_what_gives_no_tag_is_a_remark() -> None:
    found = describe(
        [
            (Link("/secret", {}), Answer(0x81, b"")),
            (Link("/silent", {}), "10.0.0.1:5683 did not answer within 3 s"),
            explored("/document", {f"k{number}": number for number in range(60)}),
            explored("/broken", b"{", "json"),
            explored("/sp", 5, "text", 0, **{"if": "core.p"}),
        ]  # type: ignore[list-item]
    )
    assert list(found.telemetry) == ["Sp"]
    for remark, words in zip(
        found.remarks, ("4.01", "did not answer", "60 values", "not JSON", "may be written"), strict=True
    ):
        assert words in remark


@pytest.mark.parametrize(
    "url", ["", "coap://", "http://10.0.0.1", "coaps://10.0.0.1", "coap://a:x", "coap://a/b", "10.0.0.1", "coap://[x"]
)
def test_a_wrong_url_is_told_with_a_right_one(url: str) -> None:
    with pytest.raises(WrongUrl, match="coap://HOST:PORT"):
        read_url(url)


async def test_what_is_written_loads_and_works(device: CoapDevice, tmp_path: Path) -> None:
    device.set("/weather", {"temperature": 21.5, "wind": {"speed": 3}}, observable=True)
    device.set("/all", SENML, format="senml_json", observable=False)
    device.set("/long/text", "x" * 3000)
    device.set("/off", "1")
    device.misbehave("/off", code=0xA3)
    out = tmp_path / "found.yaml"
    assert await asyncio.to_thread(discover, f"coap://{device.host}:{device.port}", "yard", out) == 0
    assert "# /off: the device answers 5.03" in out.read_text()
    (tmp_path / "plant.yaml").write_text("plant: {name: Found}\ninclude: [found.yaml]\n")
    plant = load_plant(tmp_path / "plant.yaml")
    assert {tag.path: (tag.unit, tag.point.observe) for tag in plant.tags if tag.connection} == {
        "Yard/WeatherTemperature": (None, True),
        "Yard/WeatherWindSpeed": (None, True),
        "Yard/Temp": ("CEL", False),
        "Yard/Humidity": ("P1", False),
        "Yard/Open": (None, False),
        "Yard/Label": (None, False),
        "Yard/LongText": (None, True),
    }


async def test_the_command_writes_yaml_to_stdout(device: CoapDevice) -> None:
    device.set("/t", "21.5")
    url = f"coap://{device.host}:{device.port}"
    command = (sys.executable, "-m", "server", "discover", url, "--name", "pump")
    process = await asyncio.create_subprocess_exec(*command, stdout=-1, cwd=Path(__file__).parents[3])
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert yaml.safe_load(out) == {
        "connections": {"pump": {"driver": "coap", "host": device.host, "port": device.port}},
        "twins": {
            "Pump": {
                "scope": "asset",
                "connection": "pump",
                "rate_s": 10,
                "telemetry": {"T": {"type": "Double", "point": {"path": "/t"}}},
            }
        },
    }


async def test_failures_say_why(device: CoapDevice, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(discover, "http://a", "x", None) == 2
    (tmp_path / "there").write_text("")
    assert await asyncio.to_thread(discover, "coap://127.0.0.1", "x", tmp_path / "there") == 2
    url = f"coap://{device.host}:{device.port}"
    assert await asyncio.to_thread(discover, url, "x", tmp_path / "no" / "folder") == 2
    await device.stop()
    assert await asyncio.to_thread(discover, url, "x", None) == 1
    said = capsys.readouterr().err.splitlines()
    told = ("names no CoAP device", "is there already", "cannot be written", "refused")
    for line, words in zip(said, told, strict=True):
        assert words in line
