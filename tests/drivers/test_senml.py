"""The examples of RFC 8428, section 5, in JSON and CBOR: each folder of tests/testcases/senml.

pack.json: the pack as published. pack.cbor.hex: the same with integer labels; that of "times_before_now" is the one
published in section 6. expected.json: by key the newest value, its unit and time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drivers.payload import PayloadFormat, parse
from drivers.senml import Record

FOLDERS = sorted((Path(__file__).parents[1] / "testcases" / "senml").iterdir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("form", [PayloadFormat.senml_json, PayloadFormat.senml_cbor])
def test_an_example_of_the_standard_is_resolved(folder: Path, form: PayloadFormat) -> None:
    if form is PayloadFormat.senml_json:
        payload = (folder / "pack.json").read_bytes()
    else:
        payload = bytes.fromhex("".join((folder / "pack.cbor.hex").read_text().split()))
    parsed = parse(form, payload)
    assert isinstance(parsed, dict)
    expected = json.loads((folder / "expected.json").read_text())
    assert {key: shown(record) for key, record in parsed.items()} == {
        key: [value, unit, pytest.approx(time_s, abs=1e-6)] for key, (value, unit, time_s) in expected.items()
    }


def shown(record: Record) -> list[Any]:
    value = {"hex": record.value.hex()} if isinstance(record.value, bytes) else record.value
    return [value, record.unit, record.time_s]
