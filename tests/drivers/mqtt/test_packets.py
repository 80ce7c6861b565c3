"""The stream of packets taken apart, wherever it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.packets import NotMqtt, Packets, variable_length

Message = tuple[bytes, bytes, bool]


def length(size: int) -> bytes:
    out = bytearray()
    while size >= 0x80:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*out, size])


def publish(topic: bytes, payload: bytes, retained: bool, identifier: int, version_5: bool, properties: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic
    body += identifier.to_bytes(2, "big") if identifier else b""
    body += length(len(properties)) + properties if version_5 else b""
    return bytes([0x30 | (2 if identifier else 0) | retained]) + length(len(body + payload)) + body + payload


MESSAGES = st.lists(
    st.tuples(
        st.binary(min_size=1, max_size=200),
        st.one_of(st.binary(max_size=40), st.just(b"x" * 20_000)),
        st.booleans(),
        st.integers(0, 65_535),
        st.binary(max_size=130),
    ),
    max_size=8,
)


@given(MESSAGES, st.booleans(), st.lists(st.integers(1, 5_000), max_size=30))
def test_messages_come_whole_and_in_order_however_the_stream_is_cut(
    messages: list[tuple[bytes, bytes, bool, int, bytes]], version_5: bool, cuts: list[int]
) -> None:
    suback, qos_2 = b"\x90\x03\x00\x01\x00", b"\x34\x06\x00\x01t\x00\x01p"
    stream, expected, acknowledged = suback, [], b""
    for topic, payload, retained, identifier, properties in messages:
        stream += publish(topic, payload, retained, identifier, version_5, properties)
        expected.append((topic, payload, retained))
        acknowledged += b"\x40\x02" + identifier.to_bytes(2, "big") if identifier else b""
    stream += qos_2
    found: list[Message] = []
    packets = Packets(lambda topic, payload, retained: found.append((topic, payload, retained)), version_5)
    at = 0
    for cut in [*cuts, len(stream)]:
        packets.feed(stream[at : at + cut])
        at += cut
    assert found == expected
    assert bytes(packets.acknowledgements) == acknowledged
    assert bytes(packets.others) == suback + qos_2


@pytest.mark.parametrize(
    "stream", [b"\x30\xff\xff\xff\xff\x01", b"\x30\x03\x00\x09t", b"\x32\x03\x00\x01t", b"\x30\x01\x00"]
)
def test_what_cannot_be_mqtt_is_told(stream: bytes) -> None:
    with pytest.raises(NotMqtt):
        Packets(lambda *_: None, False).feed(stream)


@given(st.integers(0, 268_435_455))
def test_a_variable_length_is_read_back(value: int) -> None:
    data = length(value)
    assert variable_length(data, 0) == (value, len(data))
    assert variable_length(data[:-1], 0) == (0, 0)
