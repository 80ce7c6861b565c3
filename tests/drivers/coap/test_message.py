"""Messages on the wire, against aiocoap's codec and against everything else that may come."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import aiocoap
import pytest
from aiocoap.numbers.optionnumbers import OptionNumber
from hypothesis import given
from hypothesis import strategies as st

from drivers.coap.message import Block, Kind, Message, decode, encode, encode_options, to_uint
from drivers.errors import Malformed

OPTIONS = st.lists(
    st.tuples(
        st.sampled_from([int(number) for number in OptionNumber]) | st.integers(1, 65000), st.binary(max_size=300)
    ),
    max_size=8,
)


@given(OPTIONS, st.binary(max_size=8), st.binary(max_size=40), st.integers(0, 0xFFFF), st.sampled_from([1, 69, 132]))
def test_what_is_encoded_is_what_aiocoap_decodes(
    options: list[tuple[int, bytes]], token: bytes, payload: bytes, mid: int, code: int
) -> None:
    datagram = encode(Kind.CON, code, mid, token, encode_options(options), payload)
    with suppress(Exception):
        theirs = aiocoap.Message.decode(datagram)
        found = [(int(option.number), option.encode()) for option in theirs.opt.option_list()]
        assert sorted(number for number, _ in found) == sorted(number for number, _ in options)
        assert (theirs.payload, theirs.mid, theirs.token, int(theirs.code)) == (payload, mid, token, code)
    assert decode(datagram) == Message(Kind.CON, code, mid, token, _last(options), payload)


def _last(options: list[tuple[int, bytes]]) -> dict[int, bytes]:
    return dict(sorted(options, key=lambda option: option[0]))


@pytest.mark.parametrize("observe", [0, 1, 255, 256, 0xFFFFFF])
def test_what_aiocoap_encodes_is_decoded(observe: int) -> None:
    theirs: Any = aiocoap.Message(code=aiocoap.CONTENT, payload=b"21.5", observe=observe, max_age=90, content_format=50)
    theirs.opt.etag = b"tag"
    theirs.opt.block2 = (3, True, 6)
    theirs.mtype, theirs.mid, theirs.token = aiocoap.NON, 7, b"abcd"
    ours = decode(theirs.encode())
    assert (ours.kind, ours.code, ours.mid, ours.token, ours.payload) == (Kind.NON, 0x45, 7, b"abcd", b"21.5")
    assert [ours.uint(number) for number in (6, 12, 14, 60)] == [observe, 50, 90, None]
    assert ours.options[4] == b"tag"
    assert Block.decode(ours.options[23]) == Block(3, True, 1024)


@given(st.binary(max_size=60))
def test_whatever_comes_is_a_message_or_malformed(datagram: bytes) -> None:
    with suppress(Malformed):
        decode(datagram)


@pytest.mark.parametrize(
    "datagram",
    [
        "",
        "40",
        "8001aabb",  # another version
        "4901aabb112233445566778899",  # a token of nine bytes
        "4401aabb1122",  # a token that is cut off
        "4001aabbff",  # a marker and no payload
        "4001aabbf1",  # the reserved delta
        "4001aabb1f",  # the reserved length
        "4001aabb14414243",  # an option that is cut off
        "4001aabbd1",  # an extended delta that is cut off
        "4001aabbe101",
    ],
)
def test_what_breaks_the_format_is_malformed(datagram: str) -> None:
    with pytest.raises(Malformed):
        decode(bytes.fromhex(datagram))


@given(st.integers(0, 2**20 - 1), st.booleans(), st.sampled_from([16, 32, 64, 128, 256, 512, 1024]))
def test_a_block_is_what_it_was(number: int, more: bool, size: int) -> None:
    assert Block.decode(Block(number, more, size).encoded) == Block(number, more, size)


def test_the_reserved_block_size_is_malformed() -> None:
    with pytest.raises(Malformed, match="reserved"):
        Block.decode(b"\x0f")


@given(st.integers(0, 2**32 - 1))
def test_numbers_take_as_few_bytes_as_will_do(number: int) -> None:
    raw = to_uint(number)
    assert int.from_bytes(raw, "big") == number
    assert not raw.startswith(b"\0")


def test_only_critical_options_that_are_unknown_spoil_an_answer() -> None:
    def answer(*numbers: int) -> Message:
        return decode(encode(Kind.NON, 0x45, 1, b"", encode_options([(number, b"") for number in numbers])))

    assert answer(4, 6, 9, 12, 14, 23, 27, 2048).misunderstood() is None
    assert answer(12, 2049).misunderstood() == 2049
