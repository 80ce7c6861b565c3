"""Words of OPC servers for types, of vocabularies for units, and YAML for all of them."""

from __future__ import annotations

import pytest
import yaml

from drivers.data_types import DataType
from nodesets.units import known, unit
from server.config.yaml_source import resolve_scalar
from server.interchange.cells import Unclear, access, scaling, unit_code
from server.interchange.drafts import plant_name, usable_name
from server.interchange.thing_schema import unit_code as thing_unit_code
from server.interchange.type_words import SERVER_WORD, DeviceType, UnknownType, device_type
from server.interchange.writing import flow, scalar


@pytest.mark.parametrize("data_type", list(DataType), ids=lambda one: one.name)
def test_the_word_that_an_export_writes_is_read_again(data_type: DataType) -> None:
    assert device_type(SERVER_WORD[data_type]) == DeviceType(data_type)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("DWord", DeviceType(DataType.UInt32)),
        ("LBCD", DeviceType(DataType.UInt32, "bcd32")),
        ("Float Array", DeviceType(DataType.Float, array=True)),
        ("WORD[12]", DeviceType(DataType.UInt16, array=True, length=12)),
        ("unsigned_int", None),
        ("REAL", DeviceType(DataType.Float)),
        ("Float8", DeviceType(DataType.Double)),
        ("L-Real", DeviceType(DataType.Double)),
    ],
)
def test_a_type_word_is_understood_or_refused(word: str, found: DeviceType | None) -> None:
    if found is not None:
        assert device_type(word) == found
        return
    with pytest.raises(UnknownType, match="Boolean, Char"):
        device_type(word)


def test_int8_has_64_bits_for_ignition_and_8_for_others() -> None:
    assert device_type("Int8", ignition=True).data_type is DataType.Int64
    assert device_type("Int8").data_type is DataType.SByte


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Cel", "CEL"),
        ("om:degreeCelsius", "CEL"),
        ("http://www.ontology-of-units-of-measure.org/resource/om-2/degreeCelsius", "CEL"),
        ("http://qudt.org/vocab/unit/KiloW-HR", "KWH"),
        ("qudt:REV-PER-MIN", "RPM"),
        ("ucum:m3/h", "MQH"),
        ("percent", "P1"),
        ("Pa", "PAL"),
        ("K", "KEL"),
        ("warp", None),
    ],
)
def test_units_of_ucum_qudt_and_om_are_known(text: str, code: str | None) -> None:
    assert thing_unit_code(text) == code
    if code:
        assert unit(code)


def test_c_is_celsius_in_a_tag_list_and_an_unknown_unit_gets_suggestions() -> None:
    assert unit_code("C") == ("CEL", "")
    code, problem = unit_code("m3/hh")
    assert code is None
    assert "is not known" in problem
    assert known("kilowatt") == "KWT"


@pytest.mark.parametrize(
    ("cells", "scale", "offset", "span"),
    [
        ({"raw_low": "0", "raw_high": "100", "scaled_low": "-5", "scaled_high": "45"}, 0.5, -5, (-5, 45)),
        ({"raw_low": "4000", "raw_high": "20000", "scaled_low": "0", "scaled_high": "16"}, 0.001, -4, (0, 16)),
        ({"scale": "0,1", "offset": "-50"}, 0.1, -50, None),
        ({"scale": "2", "negate": "1"}, -2, 0, None),
    ],
)  # fmt: skip
def test_scaling_becomes_scale_and_offset(
    cells: dict[str, str], scale: float, offset: float, span: tuple[float, float] | None
) -> None:
    found = scaling(cells)
    assert found is not None
    assert found.scale == pytest.approx(scale)
    assert found.offset == pytest.approx(offset)
    assert found.span == span


@pytest.mark.parametrize(
    "cells",
    [
        {"scaling": "Linear", "raw_low": "0"},
        {"scaling": "Linear", "raw_low": "1", "raw_high": "1", "scaled_low": "0", "scaled_high": "1"},
        {"scale": "0"},
        {"scale": "nan"},
        {"negate": "perhaps"},
        {"scaling": "Square Root"},
    ],
)
def test_scaling_that_makes_no_sense_is_refused(cells: dict[str, str]) -> None:
    with pytest.raises(Unclear):
        scaling(cells)


def test_rights_without_a_word_are_read_only() -> None:
    assert access({}).value == "read"
    assert access({"access": "Read/Write"}).value == "both"
    assert access({"read_only": "false"}).value == "both"


@pytest.mark.parametrize(
    "text",
    ["on", "1", "1.5", "true", "null", "~", "a: b", "a #b", "- x", "[x", "{n}", "", " a", "é", "10.0.0.1", "$.a", "=1"],
)
def test_text_stays_text_in_the_plant_file(text: str) -> None:
    written = scalar(text)
    quoted = written.startswith('"')
    assert yaml.safe_load(written if quoted else f'"{written}"') == text.replace("{", "{{").replace("}", "}}")
    assert quoted or resolve_scalar(written) == text


def test_templates_keep_their_braces_and_whole_numbers_lose_their_point() -> None:
    assert flow({"write_template": '{"v": {value}}', "scale": 2.0, "x": [0.5, True]}) == (
        '{write_template: "{\\"v\\": {value}}", scale: 2, x: [0.5, true]}'
    )


def test_names_become_usable() -> None:
    assert usable_name("Alarms") == (
        "Alarms_",
        "Alarms is a name that every twin has below it already; it is called Alarms_",
    )
    assert usable_name("a/b.c\n")[0] == "a_b_c"
    assert plant_name("  my plant! ") == "my_plant"
    assert plant_name("...") == "Plant"
