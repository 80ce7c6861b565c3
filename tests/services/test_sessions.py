"""Sessions: tokens, ownership, takeover, timeouts, cancelling (Part 4, 5.6)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from asyncua import Client, ua

from server.services.options import Limits
from tests.services.conftest import PASSWORD, Served, serve
from tests.simulators.raw_client import Ended, read_request
from tests.simulators.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
STATUS = ua.StatusCodes
STATE = ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)


def result_of(response: object) -> int:
    return int(response.ResponseHeader.ServiceResult.value)  # type: ignore[attr-defined]


async def test_tokens_are_random_and_told_to_nobody_else(served: Served) -> None:
    """Part 4, 5.6.2.1."""
    async with served.raw() as one, served.raw() as two:
        await one.open()
        await two.open()
        first, second = await one.create_session(), await two.create_session()
        assert len(first.AuthenticationToken.Identifier) == 32
        assert first.AuthenticationToken != second.AuthenticationToken
        assert first.SessionId != second.SessionId
        assert len(first.ServerNonce) == 32


async def test_a_token_is_of_no_use_on_another_channel(served: Served) -> None:
    """Part 4, 5.6.1 and 5.6.3.1."""
    async with served.raw() as owner, served.raw() as thief:
        await owner.connect()
        await thief.open()
        thief.authentication_token = owner.authentication_token
        assert result_of(await thief.call(read_request(STATE))) == STATUS.BadSecureChannelIdInvalid
        close = ua.CloseSessionRequest()
        assert result_of(await thief.call(close)) == STATUS.BadSecureChannelIdInvalid
        assert result_of(await owner.call(read_request(STATE))) == 0


@pytest.mark.parametrize("token", [ua.NodeId(), ua.NodeId(1001), ua.NodeId(b"x" * 32, 0), ua.NodeId("x", 0)])
async def test_an_unknown_token_is_refused(served: Served, token: ua.NodeId) -> None:
    """Part 4, 7.39.2."""
    async with served.raw() as raw:
        await raw.connect()
        raw.authentication_token = token
        assert result_of(await raw.call(read_request(STATE))) == STATUS.BadSessionIdInvalid
        assert await raw.activate() == STATUS.BadSessionIdInvalid


async def test_a_session_serves_nothing_before_it_is_activated(served: Served) -> None:
    """Part 4, 5.6.3.1."""
    async with served.raw() as raw:
        await raw.open()
        await raw.create_session()
        assert result_of(await raw.call(read_request(STATE))) == STATUS.BadSessionNotActivated
        assert await raw.activate() == STATUS.BadSessionIdInvalid


async def test_an_unactivated_session_is_not_taken_over(served: Served) -> None:
    """Part 4, 5.6.3.1."""
    async with served.raw() as owner, served.raw() as other:
        await owner.open()
        await owner.create_session()
        await other.open()
        other.authentication_token = owner.authentication_token
        assert await other.activate() == STATUS.BadSecureChannelIdInvalid
        assert await owner.activate() == 0


async def test_a_client_that_comes_back_takes_its_session_along_and_the_old_channel_loses_it(served: Served) -> None:
    """Part 4, 5.6.3.1."""
    async with served.raw() as old, served.raw() as new:
        await old.connect()
        await new.open()
        new.authentication_token = old.authentication_token
        assert await new.activate() == 0
        assert result_of(await new.call(read_request(STATE))) == 0
        assert result_of(await old.call(read_request(STATE))) == STATUS.BadSecureChannelIdInvalid


async def test_a_session_outlives_its_connection(served: Served) -> None:
    """Part 4, 5.6.1 and 6.7."""
    async with served.raw() as old:
        await old.connect()
        token = old.authentication_token
    async with served.raw() as new:
        await new.open()
        new.authentication_token = token
        assert await new.activate() == 0


async def test_somebody_elses_session_is_not_taken_over(served: Served) -> None:
    """Part 4, 5.6.3.1."""
    async with served.client("operator") as owner, served.raw() as other:
        await other.open()
        other.authentication_token = _token(owner)
        assert await other.activate() == STATUS.BadIdentityChangeNotSupported
        assert await owner.nodes.server_state.read_value() == ua.ServerState.Running


def _token(client: Client) -> ua.NodeId:
    return client.uaclient.protocol.authentication_token  # type: ignore[no-any-return,union-attr]


async def test_closing_twice_is_an_error(served: Served) -> None:
    """Part 4, 5.6.4.3."""
    async with served.raw() as raw:
        await raw.connect()
        assert result_of(await raw.call(ua.CloseSessionRequest())) == 0
        assert result_of(await raw.call(ua.CloseSessionRequest())) == STATUS.BadSessionIdInvalid
        assert result_of(await raw.call(read_request(STATE))) == STATUS.BadSessionIdInvalid


async def test_the_timeout_is_revised_and_a_silent_session_ends(tmp_path: Path) -> None:
    """Part 4, 5.6.2.2."""
    served = await serve(tmp_path, Limits(min_session_timeout_s=0.3, max_session_timeout_s=5.0, max_sessions=2))
    try:
        async with served.raw() as short, served.raw() as long, served.raw() as third:
            for client in (short, long, third):
                await client.open()
            assert (await short.create_session(1)).RevisedSessionTimeout == 300
            assert (await long.create_session(1e9)).RevisedSessionTimeout == 5_000
            request = ua.CreateSessionRequest()
            assert result_of(await third.call(request)) == STATUS.BadTooManySessions
            assert await short.activate() == 0
            await until(lambda: len(served.server.sessions) == 1)
            assert result_of(await short.call(read_request(STATE))) == STATUS.BadSessionIdInvalid
            assert await long.activate() == 0
    finally:
        await served.server.stop()


async def test_cancel_answers_the_outstanding_request_and_the_command_goes_on(served: Served) -> None:
    """Part 4, 5.6.5."""
    served.commands.gate.clear()
    async with served.client("operator") as client:
        node = served.node(client, "Cooling/Loop1/Pump1/Run")
        write = asyncio.create_task(node.write_value(True))
        session = next(one for one in served.server.sessions if one.user.name == "operator" and one.channel)
        await until(lambda: session.running)
        (context,) = session.running.values()
        request = ua.CancelRequest()
        request.Parameters.RequestHandle = context.header.RequestHandle
        response = await client.uaclient.protocol.send_request(request)
        assert response is not None
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await write
        assert refused.value.code == STATUS.BadRequestCancelledByClient
        served.commands.gate.set()
        await until(lambda: served.commands.seen and served.commands.seen[-1][1:] == (True, "operator"))


async def test_a_slow_command_holds_up_neither_reads_nor_other_commands(served: Served) -> None:
    """Part 4, 5.10.4.1."""
    served.commands.gate.clear()
    async with served.client("operator") as client:
        node = served.node(client, "Cooling/Loop1/Pump1/Run")
        slow = asyncio.create_task(node.write_value(True))
        method = asyncio.create_task(
            client.get_node(served.node_id("Cooling/Loop1/Pump1/Commands")).call_method(
                served.node_id("Cooling/Loop1/Pump1/Start")
            )
        )
        for _ in range(5):
            assert await client.nodes.server_state.read_value() == ua.ServerState.Running
        assert not slow.done()
        assert not method.done()
        served.commands.gate.set()
        await asyncio.gather(slow, method)


async def test_a_session_has_a_limit_of_parallel_requests(tmp_path: Path) -> None:
    """Part 4, 7.39.2."""
    served = await serve(tmp_path, Limits(max_parallel_requests=2))
    try:
        served.commands.gate.clear()
        async with served.client("operator") as client:
            node = served.node(client, "Cooling/Loop1/Pump1/Run")
            waiting = [asyncio.create_task(node.write_value(True)) for _ in range(2)]
            await until(lambda: any(len(session.running) == 2 for session in served.server.sessions))
            with pytest.raises(ua.UaStatusCodeError) as refused:
                await node.write_value(True)
            assert refused.value.code == STATUS.BadServerTooBusy
            served.commands.gate.set()
            await asyncio.gather(*waiting)
    finally:
        await served.server.stop()


@pytest.mark.parametrize(
    ("token", "status"),
    [
        (ua.AnonymousIdentityToken(PolicyId="nonsense"), STATUS.BadIdentityTokenInvalid),
        (ua.UserNameIdentityToken(PolicyId="anonymous", UserName="operator"), STATUS.BadIdentityTokenInvalid),
        (
            ua.UserNameIdentityToken(PolicyId="username", UserName="operator", Password=PASSWORD.encode()),
            STATUS.BadIdentityTokenInvalid,
        ),
        (ua.IssuedIdentityToken(PolicyId="x"), STATUS.BadIdentityTokenInvalid),
        (ua.X509IdentityToken(PolicyId="certificate", CertificateData=b"x"), STATUS.BadIdentityTokenInvalid),
    ],
)
async def test_wrong_and_plain_identity_tokens_are_refused(served: Served, token: object, status: int) -> None:
    """Part 4, 5.6.3.3 and 7.40.2.2: The third is the right password in plain text."""
    async with served.raw() as raw:
        await raw.open()
        await raw.create_session()
        assert await raw.activate(token) == status
        assert await raw.activate() == 0


@pytest.mark.parametrize(("user", "password"), [("operator", "wrong"), ("nobody", PASSWORD), ("operator", "")])
async def test_a_wrong_name_or_password_is_denied(served: Served, user: str, password: str) -> None:
    """Part 4, 5.6.3.3."""
    client = Client(served.url)
    client.set_user(user)
    client.set_password(password or " ")
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await client.connect()
    assert refused.value.code == STATUS.BadUserAccessDenied


async def test_anonymous_clients_can_be_kept_out(tmp_path: Path) -> None:
    """Part 4, 7.40.2.1."""
    served = await serve(tmp_path, allow_anonymous=False)
    try:
        async with served.raw() as raw:
            await raw.open()
            await raw.create_session()
            assert await raw.activate() == STATUS.BadIdentityTokenRejected
            anonymous = ua.AnonymousIdentityToken(PolicyId="anonymous")
            assert await raw.activate(anonymous) == STATUS.BadIdentityTokenRejected
        async with served.client("viewer") as client:
            assert await client.nodes.server_state.read_value() == ua.ServerState.Running
    finally:
        await served.server.stop()


async def test_closing_the_channel_closes_the_connection(served: Served) -> None:
    """Part 4, 5.5.3 and Part 6, 7.1.4."""
    async with served.raw() as raw:
        await raw.connect()
        raw.send(raw.chunk(b"CLOF", b""))
        with pytest.raises(Ended):
            await raw.receive()
