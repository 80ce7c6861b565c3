"""The settings refuse what cannot work, in words that help."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from drivers.coap.settings import CoapConnection, CoapPoint, split_path, split_query


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("/", ()),
        ("/a", ("a",)),
        ("/a/b c", ("a", "b c")),
        ("/trailing/", ("trailing", "")),
        ("/3303/0/5700", ("3303", "0", "5700")),
    ],
)
def test_a_path_becomes_its_uri_path_options(path: str, segments: tuple[str, ...]) -> None:
    assert split_path(path) == segments


@pytest.mark.parametrize(
    ("path", "cure"),
    [
        ("weather", '"/weather"'),
        ("/weather?unit=C", "query"),
        ("/weather#now", "no fragment"),
        ("/a//b", "empty"),
        ("/a/../b", "relative"),
        ("/" + "x" * 256, "255 bytes"),
    ],
)
def test_an_impossible_path_is_refused_with_the_cure(path: str, cure: str) -> None:
    with pytest.raises(ValueError, match=cure):
        split_path(path)


def test_a_query_is_split_at_ampersands() -> None:
    assert split_query(None) == ()
    assert split_query("unit=C&fresh") == ("unit=C", "fresh")
    with pytest.raises(ValueError, match="without"):
        split_query("?unit=C")


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"path": "weather"}, "starts with /"),
        ({"path": "/w", "value": "temperature"}, r"\$.temperature"),
        ({"path": "/w", "value": "$.t", "format": "text"}, "no meaning in text"),
        ({"path": "/w", "timestamp": "$.t", "format": "senml_json"}, "no meaning in senml_json"),
        ({"path": "/w", "name": "t", "format": "json"}, "SenML"),
        ({"path": "/w", "scale": 0}, "scale 0"),
        ({"path": "/w", "write_template": "on"}, "would send the same"),
        ({"path": "/w", "wat": 1}, "Extra inputs"),
        ({"path": "/w", "observe": "yes"}, "boolean"),
        ({"path": "/w", "write_method": "PATCH"}, "'PUT' or 'POST'"),
    ],
)
def test_a_wrong_point_is_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        CoapPoint(**settings)


def test_a_template_may_be_written_as_structure_or_as_text() -> None:
    structure = CoapPoint(path="/a", write_template={"set": "$value", "at": "$epoch_ms", "by": "$timestamp"})
    assert structure.write_template == '{"set": {value}, "at": {epoch_ms}, "by": "{timestamp}"}'
    assert CoapPoint(path="/a", write_template="v=$value").write_template == "v={value}"


def test_a_connection_needs_a_host_and_bounded_times() -> None:
    assert CoapConnection(host="10.0.0.1").port == 5683
    for wrong in ({"host": ""}, {"host": "a", "port": 0}, {"host": "a", "timeout_s": 0}, {"host": "a", "probe": "x"}):
        with pytest.raises(ValidationError):
            CoapConnection(**wrong)
