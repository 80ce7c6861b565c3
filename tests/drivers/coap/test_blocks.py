"""Large payloads (RFC 7959): devices with little memory, and resources that change while they are fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from drivers import coap
from drivers.coap.driver import CoapDriver
from drivers.coap.message import CONTINUE, TOO_LARGE, Block, Kind, Message, Option, decode, encode, encode_options
from drivers.data_types import DataType
from drivers.driver import Binding
from drivers.errors import Refused
from drivers.status import Status
from tests.drivers.coap.helpers import Bind, Table

Reply = tuple[int, list[tuple[int, bytes]], bytes]
CONTENT, CHANGED = 0x45, 0x44


class Small(asyncio.DatagramProtocol):
    """A device that answers each request as `reply` says: code, options, payload. seen: the requests."""

    def __init__(self) -> None:
        self.seen: list[Message] = []
        self.reply: Callable[[Message], Reply] = lambda _: (CONTENT, [], b"")

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, address: Any) -> None:
        request = decode(data)
        if request.options.get(Option.URI_PATH) == b"core":
            code, options, payload = 0x84, list[tuple[int, bytes]](), b""
        else:
            self.seen.append(request)
            code, options, payload = self.reply(request)
        answer = encode(Kind.ACK, code, request.mid, request.token, encode_options(options), payload)
        self.transport.sendto(answer, address)


@pytest.fixture
async def small(nothing_left: None) -> AsyncIterator[Small]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Small, ("127.0.0.1", 0))
    yield protocol
    transport.close()
    await asyncio.sleep(0)


async def driver_of(small: Small, *tags: Binding) -> CoapDriver:
    driver = coap.create("dev", coap.connection_model(host="127.0.0.1", port=small.port, timeout_s=0.5), tags)
    await driver.connect()
    return driver


def in_blocks(payload: bytes, size: int, etag: bytes = b"") -> Callable[[Message], Reply]:
    def reply(request: Message) -> Reply:
        asked = Block.decode(request.options.get(Option.BLOCK2, Block(0, False, size).encoded))
        start = asked.number * asked.size
        more = start + size < len(payload)
        options: list[tuple[int, bytes]] = [(Option.BLOCK2, Block(asked.number, more, size).encoded)]
        return CONTENT, [*options, (Option.ETAG, etag)], payload[start : start + size]

    return reply


@pytest.mark.parametrize("size", [16, 64, 1024])
async def test_the_device_chooses_the_size_of_what_it_sends(small: Small, bind: Bind, size: int) -> None:
    text = "".join(chr(65 + number % 26) for number in range(1500))
    small.reply = in_blocks(text.encode(), size)
    tag = bind(0, "/log", DataType.String, observe=False)
    driver = await driver_of(small, tag)
    assert Table.of((tag,), await driver.read(driver.groups[0])).value == {0: text}
    assert len({one.mid for one in small.seen}) == -(-1500 // size), "a repeated request is the same"
    await driver.close()


async def test_what_changes_while_it_is_fetched_is_fetched_anew(small: Small, bind: Bind) -> None:
    old, new = in_blocks(b"a" * 100, 64, b"1"), in_blocks(b"b" * 100, 64, b"2")
    small.reply = lambda request: old(request) if len(small.seen) == 1 else new(request)
    tag = bind(0, "/log", DataType.String, observe=False)
    driver = await driver_of(small, tag)
    assert Table.of((tag,), await driver.read(driver.groups[0])).value == {0: "b" * 100}
    small.reply = lambda request: in_blocks(b"c" * 100, 64, bytes([len(small.seen)]))(request)
    assert Table.of((tag,), await driver.read(driver.groups[0])).status == {0: Status.BadCommunicationError}
    await driver.close()


@pytest.mark.parametrize(
    "reply",
    [
        lambda _: (CONTENT, [(Option.BLOCK2, b"\x0e")], b"x" * 100),  # more to come, and this one is not full
        lambda _: (CONTENT, [(Option.BLOCK2, b"\x56")], b"x" * 1024),  # block 5 first
        lambda _: (CONTENT, [(Option.BLOCK2, b"\x0f")], b"x"),  # the reserved size
        lambda _: (CONTENT, [(Option.BLOCK2, b"\x0e")], b"x" * 1024),  # the same block for ever
    ],
)
async def test_blocks_that_make_no_sense_are_a_bad_reading(
    small: Small, bind: Bind, reply: Callable[[Message], Reply]
) -> None:
    small.reply = reply
    tag = bind(0, "/log", DataType.String, observe=False)
    driver = await driver_of(small, tag)
    assert Table.of((tag,), await driver.read(driver.groups[0])).status == {0: Status.BadCommunicationError}
    await driver.close()


async def test_a_payload_without_end_is_not_followed(small: Small, bind: Bind) -> None:
    def reply(request: Message) -> Reply:
        number = Block.decode(request.options.get(Option.BLOCK2, b"\6")).number
        return CONTENT, [(Option.BLOCK2, Block(number, True, 1024).encoded)], b"x" * 1024

    small.reply = reply
    tag = bind(0, "/log", DataType.String, observe=False)
    driver = await driver_of(small, tag)
    assert Table.of((tag,), await driver.read(driver.groups[0])).status == {0: Status.BadCommunicationError}
    assert len(small.seen) < 1100
    await driver.close()


@pytest.mark.parametrize(("first_answer", "first"), [(CONTINUE, 1024), (TOO_LARGE, 0)])
async def test_the_device_chooses_the_size_of_what_it_gets(
    small: Small, bind: Bind, first_answer: int, first: int
) -> None:
    """It may take the first block and ask for smaller ones, or refuse it (RFC 7959, 2.3 and 2.9.3)."""
    taken = bytearray()

    def reply(request: Message) -> Reply:
        block = Block.decode(request.options[Option.BLOCK1])
        if block.size == 1024:
            taken.extend(request.payload[:first])
            return first_answer, [(Option.BLOCK1, Block(0, block.more, 64).encoded)], b""
        assert block.number * block.size == len(taken)
        taken.extend(request.payload)
        return (CONTINUE if block.more else CHANGED), [(Option.BLOCK1, block.encoded)], b""

    small.reply = reply
    driver = await driver_of(small, bind(0, "/recipe", DataType.String, writable=True, read=False))
    text = "".join(chr(65 + number % 26) for number in range(2500))
    await driver.write(0, text)
    assert taken.decode() == text
    await driver.close()


async def test_a_small_value_is_cut_for_a_device_that_finds_it_large(small: Small, bind: Bind) -> None:
    taken = bytearray()

    def reply(request: Message) -> Reply:
        if Option.BLOCK1 not in request.options:
            return TOO_LARGE, [(Option.BLOCK1, Block(0, False, 32).encoded)], b""
        block = Block.decode(request.options[Option.BLOCK1])
        taken.extend(request.payload)
        return (CONTINUE if block.more else CHANGED), [(Option.BLOCK1, block.encoded)], b""

    small.reply = reply
    driver = await driver_of(small, bind(0, "/recipe", DataType.String, writable=True, read=False))
    await driver.write(0, "x" * 100)
    assert (bytes(taken), len(small.seen)) == (b"x" * 100, 5)
    await driver.close()


async def test_a_refusal_between_blocks_comes_back(small: Small, bind: Bind) -> None:
    small.reply = lambda _: (0x88, [], b"incomplete")
    driver = await driver_of(small, bind(0, "/recipe", DataType.String, writable=True, read=False))
    with pytest.raises(Refused, match=r"4\.08 \(incomplete\)"):
        await driver.write(0, "x" * 5000)
    assert len(small.seen) == 1
    await driver.close()


async def test_a_device_that_doubts_a_request_gets_its_echo(small: Small, bind: Bind) -> None:
    def reply(request: Message) -> Reply:
        if request.options.get(Option.ECHO) != b"fresh":
            return 0x81, [(Option.ECHO, b"fresh")], b""
        return CONTENT, [], b"5"

    small.reply = reply
    tag = bind(0, "/t", observe=False)
    driver = await driver_of(small, tag)
    assert Table.of((tag,), await driver.read(driver.groups[0])).value == {0: 5.0}
    await driver.close()
