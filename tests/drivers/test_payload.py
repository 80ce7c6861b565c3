"""Payloads in every format to value, quality and time, and back."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.data_types import DataType, value_range
from drivers.errors import ValueNotAccepted
from drivers.json_path import MISSING, PathError, compile_path, resolve
from drivers.payload import DecodeError, Extractor, PayloadFormat, Picked, encode, parse
from drivers.payload_fields import TimeUnit
from drivers.payload_quality import QualityCode
from drivers.readings import UNIX_EPOCH_TICKS, ticks_from_unix
from drivers.senml import SenmlError, resolve_pack
from drivers.status import Status

NOW = ticks_from_unix(1_800_000_000)
JSON = PayloadFormat.json


def pick(payload: bytes | str, data_type: DataType = DataType.Double, **settings: object) -> Picked:
    extractor = Extractor(data_type, **settings)  # type: ignore[arg-type]
    data = payload.encode() if isinstance(payload, str) else payload
    picked = extractor.pick(parse(extractor.format, data), NOW)
    assert picked is not None
    return picked


# --- paths


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$", ()),
        ("$.a.b[0]", ("a", "b", 0)),
        ('$.a[-1]["c d"]', ("a", -1, "c d")),
        ("$['it\\'s']", ("it's",)),
        ('$["a.b"].ä-ö', ("a.b", "ä-ö")),
        ("$.0.x", ("0", "x")),
    ],
)
def test_a_path_becomes_plain_steps(path: str, steps: tuple[str | int, ...]) -> None:
    assert compile_path(path) == steps


@pytest.mark.parametrize("path", ["", "a.b", "$.", "$..a", "$.*", "$[*]", "$[0:2]", "$.a[", "$[?(@.x)]", "$.a b"])
def test_a_path_that_is_none_or_names_several_values_is_refused(path: str) -> None:
    with pytest.raises(PathError, match=r"path|read"):
        compile_path(path)


def test_a_path_into_the_wrong_kind_of_value_finds_nothing() -> None:
    document = {"text": "abc", "list": [1], "null": None, "map": {}}
    for path in ("$.text[0]", "$.text.a", "$.list[1]", "$.list.a", "$.null.a", "$.map.a", "$.nope"):
        assert resolve(compile_path(path), document) is MISSING
    assert resolve(compile_path("$.null"), document) is None


# --- formats


def test_auto_takes_json_where_it_begins_like_it_and_text_otherwise() -> None:
    assert parse(PayloadFormat.auto, b' {"a": 1}') == {"a": 1}
    assert parse(PayloadFormat.auto, b"[1, 2]") == [1, 2]
    assert parse(PayloadFormat.auto, b"12.5") == "12.5"
    assert parse(JSON, b"12.5") == 12.5


@pytest.mark.parametrize(
    ("form", "payload", "says"),
    [
        (PayloadFormat.json, b'{"a": ', "not JSON"),
        (PayloadFormat.json, b"\xff", "not JSON"),
        (PayloadFormat.json, b"[" * 100_000, "not JSON"),
        (PayloadFormat.json, b"1" * 5_000, "not JSON"),
        (PayloadFormat.text, b"\xff\xfe", "not UTF-8"),
        (PayloadFormat.cbor, b"\xa1", "not CBOR"),
        (PayloadFormat.cbor, b"\x01\x01", "1 bytes too many"),
        (PayloadFormat.senml_json, b"{}", "not SenML"),
        (PayloadFormat.senml_json, b"nope", "not JSON"),
    ],
)
def test_a_malformed_payload_is_a_decode_error_that_says_why(form: PayloadFormat, payload: bytes, says: str) -> None:
    with pytest.raises(DecodeError, match=says) as caught:
        parse(form, payload)
    assert len(str(caught.value)) < 300


@given(st.binary(max_size=80), st.sampled_from(PayloadFormat))
def test_no_bytes_make_the_parser_fail_in_any_other_way(payload: bytes, form: PayloadFormat) -> None:
    try:
        parsed = parse(form, payload)
    except DecodeError:
        return
    for data_type in DataType:
        for length in (0, 2):
            picked = Extractor(data_type, format=form, array_length=length).pick(parsed, NOW)
            assert picked is None or (picked.value is None) == bool(picked.status & Status.Bad)


# --- values


@pytest.mark.parametrize(
    ("payload", "data_type", "value"),
    [
        ("12.5", DataType.Float, 12.5),
        (" -1e3 ", DataType.Double, -1000.0),
        ("42", DataType.Int16, 42),
        ("18446744073709551615", DataType.UInt64, 2**64 - 1),
        ("-9223372036854775808", DataType.Int64, -(2**63)),
        ("ON", DataType.Boolean, True),
        ("false", DataType.Boolean, False),
        ("1", DataType.Boolean, True),
        ("a text", DataType.String, "a text"),
        ("aGk=", DataType.ByteString, b"hi"),
        ("2027-01-15T08:00:00Z", DataType.DateTime, NOW),
    ],
)
def test_text_becomes_a_value_of_the_tags_type(payload: str, data_type: DataType, value: object) -> None:
    picked = pick(payload, data_type, format=PayloadFormat.text)
    assert picked == Picked(value, Status.Good, NOW)
    assert type(picked.value) is type(value)


@pytest.mark.parametrize(
    ("payload", "data_type", "value"),
    [
        ("12", DataType.Double, 12.0),
        ('"12.5"', DataType.Double, 12.5),
        ("12.0", DataType.Int32, 12),
        ("9007199254740993", DataType.Int64, 9007199254740993),
        ("1", DataType.Boolean, True),
        ("12.5", DataType.String, "12.5"),
        ('{"a": [1]}', DataType.String, '{"a": [1]}'),
    ],
)
def test_json_becomes_a_value_of_the_tags_type(payload: str, data_type: DataType, value: object) -> None:
    assert pick(payload, data_type, format=JSON).value == value


@pytest.mark.parametrize(
    ("payload", "data_type", "status"),
    [
        ("300", DataType.Byte, Status.BadOutOfRange),
        ("-1", DataType.UInt32, Status.BadOutOfRange),
        ("1e39", DataType.Float, Status.BadOutOfRange),
        ("1e400", DataType.Double, Status.BadOutOfRange),
        ("Infinity", DataType.Int32, Status.BadOutOfRange),
        ("1" + "0" * 400, DataType.Double, Status.BadOutOfRange),
        ("1" + "0" * 400, DataType.UInt64, Status.BadOutOfRange),
        ("12.5", DataType.Int32, Status.BadTypeMismatch),
        ("true", DataType.Double, Status.BadTypeMismatch),
        ('"12,5"', DataType.Double, Status.BadTypeMismatch),
        ('"12.5 bar"', DataType.Double, Status.BadTypeMismatch),
        ("2", DataType.Boolean, Status.BadTypeMismatch),
        ('"maybe"', DataType.Boolean, Status.BadTypeMismatch),
        ("[1]", DataType.Double, Status.BadTypeMismatch),
        ("null", DataType.Double, Status.BadNoData),
        ("null", DataType.String, Status.BadNoData),
        ("NaN", DataType.Float, Status.BadNoData),
        ('"*"', DataType.ByteString, Status.BadTypeMismatch),
        ('"yesterday"', DataType.DateTime, Status.BadDecodingError),
    ],
)
def test_what_does_not_fit_the_type_is_bad_and_says_why(payload: str, data_type: DataType, status: Status) -> None:
    picked = pick(payload, data_type, format=JSON)
    assert (picked.value, picked.status) == (None, status)
    assert picked.problem


@given(st.sampled_from([kind for kind in DataType if isinstance(value_range(kind), tuple)]), st.data())
def test_both_ends_of_each_range_come_through_exactly(kind: DataType, data: st.DataObject) -> None:
    limits = value_range(kind)
    assert limits is not None
    value = data.draw(st.sampled_from(limits))
    assert pick(repr(value), kind).value == value


def test_scale_and_offset_are_applied_and_whole_types_rounded() -> None:
    assert pick("123", DataType.Double, scale=0.1, offset=-2).value == pytest.approx(10.3)
    assert pick("126", DataType.Int16, scale=0.1).value == 13
    assert pick("40000", DataType.Int16, scale=1.0, offset=-7233).value == 32767
    assert pick("40000", DataType.Int16, scale=1.0, offset=-7232).status == Status.BadOutOfRange


def test_an_array_has_the_tags_length_and_dtype() -> None:
    picked = pick("[1, 2.5]", DataType.Float, array_length=2, scale=2.0)
    assert isinstance(picked.value, np.ndarray)
    assert picked.value.dtype == np.float32
    assert picked.value.tolist() == [2.0, 5.0]
    assert pick('["a", "b"]', DataType.String, array_length=2).value == ["a", "b"]
    assert pick("[1]", DataType.Float, array_length=2).status == Status.BadTypeMismatch
    assert pick("[1, null]", DataType.Float, array_length=2).status == Status.BadNoData


def test_many_points_pick_from_one_parsed_message_and_what_is_absent_is_no_reading() -> None:
    parsed = parse(JSON, b'{"speed": 1450, "axes": [{"rms": 1.5}, {"rms": 2.5}]}')
    rms = [Extractor(DataType.Float, format=JSON, value=f"$.axes[{i}].rms") for i in range(3)]
    assert [p.value if (p := one.pick(parsed, NOW)) else None for one in rms] == [1.5, 2.5, None]
    assert Extractor(DataType.Int32, format=JSON, value="$.speed").pick(parsed, NOW) == (1450, 0, NOW, "")


# --- times


@pytest.mark.parametrize(
    ("raw", "unix_s"),
    [
        ('"2026-11-22T12:00:00Z"', datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()),
        ('"2026-11-22T14:00:00.5+02:00"', datetime(2026, 11, 22, 12, 0, 0, 500_000, UTC).timestamp()),
        ('"2026-11-22 12:00:00"', datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()),
        ("1700000000", 1_700_000_000),
        ("1700000000.25", 1_700_000_000.25),
        ("1700000000250", 1_700_000_000.25),
        ("1700000000250000", 1_700_000_000.25),
        ("1700000000250000000", 1_700_000_000.25),
        ('"1700000000"', 1_700_000_000),
    ],
)
def test_a_timestamp_is_iso_8601_or_a_number_of_a_unit_seen_by_its_size(raw: str, unix_s: float) -> None:
    picked = pick(f'{{"v": 1, "t": {raw}}}', value="$.v", timestamp="$.t")
    assert picked.source_ticks == ticks_from_unix(unix_s)


def test_a_stated_unit_beats_the_size() -> None:
    picked = pick('{"v": 1, "t": 5000}', value="$.v", timestamp="$.t", timestamp_unit=TimeUnit.ms)
    assert picked.source_ticks == UNIX_EPOCH_TICKS + 50_000_000
    exact = pick('{"v": 1, "t": 1700000000123456700}', value="$.v", timestamp="$.t", timestamp_unit=TimeUnit.ns)
    assert exact.source_ticks == UNIX_EPOCH_TICKS + 17_000_000_001_234_567


@pytest.mark.parametrize("payload", ['{"v": 1}', '{"v": 1, "t": null}'])
def test_without_a_timestamp_the_arrival_counts(payload: str) -> None:
    assert pick(payload, value="$.v", timestamp="$.t").source_ticks == NOW


@pytest.mark.parametrize("raw", ['"soon"', "true", "1e300", "1e30", "-2e13", "[]", "NaN", "Infinity"])
def test_a_timestamp_that_is_none_makes_the_reading_bad(raw: str) -> None:
    picked = pick(f'{{"v": 1, "t": {raw}}}', value="$.v", timestamp="$.t")
    assert (picked.value, picked.status, picked.source_ticks) == (None, Status.BadDecodingError, NOW)
    assert "timestamp" in picked.problem


# --- qualities


@pytest.mark.parametrize(
    ("raw", "code", "status"),
    [
        ("true", QualityCode.auto, Status.Good),
        ("false", QualityCode.auto, Status.Bad),
        ('"Good"', QualityCode.auto, Status.Good),
        ('"BAD"', QualityCode.auto, Status.Bad),
        ('"uncertain"', QualityCode.auto, Status.Uncertain),
        ('"BadSensorFailure"', QualityCode.auto, Status.BadSensorFailure),
        ("192", QualityCode.auto, Status.Good),
        ('"192"', QualityCode.auto, Status.Good),
        ("64", QualityCode.auto, Status.Uncertain),
        ("0", QualityCode.auto, Status.Bad),
        ("1", QualityCode.auto, Status.Good),
        ("0", QualityCode.opc_ua, Status.Good),
        ("0", QualityCode.opc_da, Status.Bad),
        ("24", QualityCode.opc_da, Status.BadCommunicationError),
        ("86", QualityCode.opc_da, Status.UncertainEngineeringUnitsExceeded),
        ("216", QualityCode.opc_da, Status.GoodLocalOverride),
        (str(0x80310000), QualityCode.auto, Status.BadNoCommunication),
        (str(0x40900000), QualityCode.opc_ua, Status.UncertainLastUsableValue),
        ("null", QualityCode.auto, Status.Good),
    ],
)
def test_a_quality_becomes_a_status_code(raw: str, code: QualityCode, status: Status) -> None:
    picked = pick(f'{{"v": 1, "q": {raw}}}', value="$.v", quality="$.q", quality_code=code)
    assert picked == (None if status & Status.Bad else 1.0, status, NOW, "")


@pytest.mark.parametrize("raw", ['"so so"', "150", "1.5", "-1", "5000000000", "[]", "NaN", "Infinity"])
def test_a_quality_nobody_knows_is_never_good(raw: str) -> None:
    picked = pick(f'{{"v": 1, "q": {raw}}}', value="$.v", quality="$.q")
    assert (picked.value, picked.status) == (None, Status.BadDecodingError)
    assert "quality" in picked.problem


def test_without_a_quality_a_value_is_good() -> None:
    assert pick('{"v": 1}', value="$.v", quality="$.q").status == Status.Good


# --- SenML: the vectors of RFC 8428, section 5 and 6


def test_senml_base_fields_are_resolved() -> None:
    pack = resolve_pack(
        [
            {"bn": "urn:dev:ow:10e2073a0108006:", "bt": 1.276020076001e09, "bu": "A", "bver": 5},
            {"n": "voltage", "u": "V", "v": 120.1},
            {"n": "current", "t": -5, "v": 1.2},
            {"n": "current", "t": -4, "v": 1.3},
            {"n": "current", "v": 1.7},
        ]
    )
    current = pack["urn:dev:ow:10e2073a0108006:current"]
    assert (current.value, current.unit, current.time_s) == (1.7, "A", 1.276020076001e09)
    assert pack["urn:dev:ow:10e2073a0108006:voltage"].unit == "V"


def test_senml_in_cbor_is_the_same_as_in_json() -> None:
    wire = bytes.fromhex(
        "87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b00106223614120050067766f6c7461"
        "6765016156 02fb405e066666666666a3006763757272656e74062402fb3ff3333333333333a3006763757272656e74062302fb3ff4"
        "cccccccccccda3006763757272656e74062202fb3ff6666666666666a3006763757272656e74062102f93e00a3006763757272656e"
        "74062002fb3ff999999999999aa3006763757272656e74060002fb3ffb333333333333"
    )
    picked = pick(wire, format=PayloadFormat.senml_cbor, name="urn:dev:ow:10e2073a0108006:current")
    assert picked == (1.7, Status.Good, ticks_from_unix(1276020076.001), "")


def test_senml_times_below_2_to_28_are_relative_to_now() -> None:
    assert pick('[{"n": "a", "v": 1, "t": -2}]', format=PayloadFormat.senml_json).source_ticks == NOW - 20_000_000
    assert pick('[{"n": "a", "v": 1}]', format=PayloadFormat.senml_json).source_ticks == NOW


@pytest.mark.parametrize("time", ["1e300", "Infinity", "NaN"])
def test_a_senml_time_beyond_all_times_makes_the_reading_bad(time: str) -> None:
    picked = pick(f'[{{"n": "a", "v": 1, "t": {time}}}]', format=PayloadFormat.senml_json)
    assert (picked.value, picked.status) == (None, Status.BadDecodingError)


def test_senml_base_value_and_every_kind_of_value() -> None:
    form = PayloadFormat.senml_json
    assert pick('[{"bn": "a", "bv": 20, "v": 3.5}]', format=form).value == 23.5
    assert pick('[{"n": "a", "vb": true}]', DataType.Boolean, format=form).value is True
    assert pick('[{"n": "a", "vs": "Dublin"}]', DataType.String, format=form).value == "Dublin"
    assert pick('[{"n": "a", "vd": "aGkgCg"}]', DataType.ByteString, format=form).value == b"hi \n"
    parsed = parse(form, b'[{"n": "a", "v": 1}, {"n": "b", "v": 2}]')
    assert Extractor(DataType.Double, format=form).pick(parsed, NOW) is None
    assert Extractor(DataType.Double, format=form, name="c").pick(parsed, NOW) is None


@pytest.mark.parametrize(
    "pack",
    [
        [],
        {},
        ["x"],
        [{"n": "a", "v": 1, "vs": "b"}],
        [{"v": 1}],
        [{"n": "-a", "v": 1}],
        [{"n": "a", "v": "1"}],
        [{"n": "a", "v": 1, "must_": 1}],
        [{"bver": 11, "n": "a", "v": 1}],
        [{"n": "a", "vb": 1}],
        [{"n": "a", "vd": "*"}],
        [{"n": "a", "v": 1, "t": "now"}],
    ],
)
def test_senml_that_breaks_a_rule_is_refused_whole(pack: object) -> None:
    with pytest.raises(SenmlError):
        resolve_pack(pack)


# --- and back


def test_a_value_is_written_as_the_shortest_text_of_its_type() -> None:
    text = PayloadFormat.text
    assert encode(text, None, float(np.float32(21.3)), data_type=DataType.Float) == b"21.3"
    assert encode(text, None, 7, data_type=DataType.Int32) == b"7"
    assert encode(text, None, True, data_type=DataType.Boolean) == b"true"
    assert encode(text, None, False, data_type=DataType.Boolean, words=("OFF", "ON")) == b"OFF"
    assert encode(text, None, "Grüße", data_type=DataType.String) == "Grüße".encode()
    assert encode(text, None, b"\x00\x01", data_type=DataType.ByteString) == b"\x00\x01"
    assert encode(JSON, None, "x", data_type=DataType.String) == b'"x"'
    assert encode(JSON, None, np.array([1.5, 2.5]), data_type=DataType.Double) == b"[1.5, 2.5]"


def test_scale_and_offset_are_undone() -> None:
    assert encode(PayloadFormat.text, None, 12.3, data_type=DataType.Double, scale=0.1) == b"123"
    assert encode(PayloadFormat.text, None, 12.5, data_type=DataType.Float, scale=2.0, offset=0.5) == b"6"


def test_a_template_takes_value_and_time() -> None:
    template = '{"s": {value}, "t": "{timestamp}", "ms": {epoch_ms}}'
    payload = encode(PayloadFormat.auto, template, "a{b}", data_type=DataType.String, now_ticks=NOW)
    assert payload == b'{"s": "a{b}", "t": "2027-01-15T08:00:00.000Z", "ms": 1800000000000}'
    assert encode(PayloadFormat.text, "SET {value};", 5, data_type=DataType.Byte) == b"SET 5;"
    assert cbor2.loads(encode(PayloadFormat.cbor, '{"s": {value}}', 2.5, data_type=DataType.Double)) == {"s": 2.5}


@pytest.mark.parametrize("form", [PayloadFormat.senml_json, PayloadFormat.senml_cbor, PayloadFormat.cbor, JSON])
@pytest.mark.parametrize(
    ("value", "data_type"),
    [(2.5, DataType.Double), (7, DataType.Int64), (True, DataType.Boolean), ("on", DataType.String)],
)
def test_what_is_written_can_be_read_back(form: PayloadFormat, value: object, data_type: DataType) -> None:
    assert pick(encode(form, None, value, data_type=data_type, name="a"), data_type, format=form).value == value


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_not_sent(value: float) -> None:
    with pytest.raises(ValueNotAccepted, match="finite"):
        encode(PayloadFormat.text, None, value, data_type=DataType.Double)
