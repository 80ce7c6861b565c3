"""The message layer over a wire that is only looked at: acknowledging, repeating, resetting, forgetting."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.coap.endpoint import Endpoint, Sending
from drivers.coap.message import EMPTY, GET, Kind, Message, decode, encode, encode_options
from drivers.driver import Traffic
from drivers.errors import DriverError, LinkLost, Malformed


class Paper:
    """A wire on which everything is only written down."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def send(self, datagram: bytes) -> None:
        self.sent.append(datagram)

    def close(self) -> None:
        self.closed = True

    @property
    def last(self) -> Message:
        return decode(self.sent[-1])


Said = list[Message | DriverError]


@pytest.fixture
def paper() -> Paper:
    return Paper()


def endpoint_on(paper: Paper, timeout_s: float = 10.0, retransmits: int = 2, confirmable: bool = True) -> Endpoint:
    endpoint = Endpoint("device", Sending.within(timeout_s, retransmits, confirmable), Traffic())
    endpoint.wire = paper
    return endpoint


def answer(kind: Kind, mid: int, token: bytes, payload: bytes = b"1", options: bytes = b"") -> bytes:
    return encode(kind, 0x45, mid, token, options, payload)


async def test_an_answer_with_the_acknowledgement_ends_the_repeating(paper: Paper) -> None:
    said: Said = []
    endpoint = endpoint_on(paper, timeout_s=0.1)
    exchange = endpoint.request(GET, b"", b"", said.append)
    endpoint.arrived(answer(Kind.ACK, exchange.mid, exchange.token))
    endpoint.forget(exchange)
    await asyncio.sleep(0.1)
    assert len(paper.sent) == 1
    assert [message.payload for message in said if isinstance(message, Message)] == [b"1"]


async def test_a_separate_answer_is_acknowledged_even_when_the_acknowledgement_was_lost(paper: Paper) -> None:
    said: Said = []
    endpoint = endpoint_on(paper)
    exchange = endpoint.request(GET, b"", b"", said.append)
    endpoint.arrived(answer(Kind.CON, 777, exchange.token))
    assert (paper.last.kind, paper.last.code, paper.last.mid) == (Kind.ACK, EMPTY, 777)
    assert exchange.timer is None
    endpoint.arrived(answer(Kind.CON, 777, exchange.token))  # our acknowledgement was lost
    assert len(paper.sent) == 3


async def test_an_unacknowledged_request_is_repeated_within_its_time_out_and_never_after(paper: Paper) -> None:
    endpoint = endpoint_on(paper, timeout_s=0.3, retransmits=2)
    exchange = endpoint.request(GET, b"", b"", lambda _: None)
    await asyncio.sleep(0.35)
    assert paper.sent == [exchange.datagram] * 3
    assert exchange.timer is None
    endpoint.close()


async def test_waits_add_up_to_less_than_the_time_out() -> None:
    for retransmits in range(9):
        sending = Sending.within(3.0, retransmits, True)
        assert sum(1.5 * sending.first_wait_s * 2**number for number in range(retransmits + 1)) == pytest.approx(2.7)


async def test_without_confirmation_nothing_is_repeated(paper: Paper) -> None:
    endpoint = endpoint_on(paper, confirmable=False)
    exchange = endpoint.request(GET, b"", b"", lambda _: None)
    assert (paper.last.kind, exchange.timer) == (Kind.NON, None)
    endpoint.close()


async def test_a_reset_request_is_malformed_and_forgotten(paper: Paper) -> None:
    said: Said = []
    endpoint = endpoint_on(paper)
    exchange = endpoint.request(GET, b"", b"", said.append)
    endpoint.arrived(encode(Kind.RST, EMPTY, exchange.mid))
    assert [type(one) for one in said] == [Malformed]
    endpoint.arrived(answer(Kind.CON, 5, exchange.token))
    assert paper.last.kind == Kind.RST


@pytest.mark.parametrize("kind", [Kind.CON, Kind.NON])
async def test_what_nobody_waits_for_is_reset(paper: Paper, kind: Kind) -> None:
    endpoint = endpoint_on(paper)
    endpoint.arrived(answer(kind, 9, b"none"))
    assert (paper.last.kind, paper.last.mid) == (Kind.RST, 9)


async def test_a_ping_and_a_request_of_the_device_are_reset_and_an_acknowledgement_is_not(paper: Paper) -> None:
    endpoint = endpoint_on(paper)
    for mid, datagram in ((1, encode(Kind.CON, EMPTY, 1)), (2, encode(Kind.CON, GET, 2, b"t"))):
        endpoint.arrived(datagram)
        assert (paper.last.kind, paper.last.mid) == (Kind.RST, mid)
    endpoint.arrived(answer(Kind.ACK, 3, b"none"))
    endpoint.arrived(encode(Kind.NON, GET, 4))
    assert len(paper.sent) == 2


async def test_an_answer_with_an_unknown_critical_option_is_refused(paper: Paper) -> None:
    said: Said = []
    endpoint = endpoint_on(paper)
    exchange = endpoint.request(GET, b"", b"", said.append)
    endpoint.arrived(answer(Kind.CON, 5, exchange.token, options=encode_options([(2049, b"")])))
    assert [type(one) for one in said] == [Malformed]
    assert paper.last.kind == Kind.RST


async def test_a_broken_wire_and_the_end_are_told_to_all(paper: Paper) -> None:
    said: Said = []
    endpoint = endpoint_on(paper)
    endpoint.request(GET, b"", b"", said.append)
    endpoint.broken(ConnectionRefusedError(111, "Connection refused"))
    endpoint.ping(said.append)
    endpoint.close()
    endpoint.close()
    assert [type(one) for one in said] == [LinkLost, LinkLost]
    assert "Connection refused" in str(said[0])
    assert paper.closed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.lists(st.binary(max_size=30), max_size=4), st.binary(max_size=20))
def test_no_datagram_does_harm(datagrams: list[bytes], tail: bytes) -> None:
    async def throw() -> None:
        endpoint = endpoint_on(Paper())
        exchange = endpoint.request(GET, b"", b"", lambda _: None)
        for datagram in datagrams:
            endpoint.arrived(datagram)
        endpoint.arrived(b"\x44\x45\0\1" + exchange.token + tail)
        endpoint.close()

    asyncio.run(throw())
