"""Proposals applied to a real Modbus device, refused, and put back."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from analytics.errors import ArgumentError
from drivers.status import Status
from server.advice.desk import NotAllowed
from server.advice.notices import LEFT_HALF, REFUSED
from tests.advice.conftest import SECOND, VIEWER, A, B, hall
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.waiting import until


async def test_an_operator_applies_a_proposal_and_the_device_has_it(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device) as it:
        one = it.propose({A: 1650.0, B: 2150.0})
        state, names, before, proposed, now, statuses, reasons, valid, words = await it.call("ApplyProposal", one)
        assert (state, valid, names) == ("Applied", True, ["B/SpeedSetpoint", "A/SpeedSetpoint"]), "up comes first"
        assert (before, proposed, now) == ([2000.0] * 2, [2150.0, 1650.0], [2150.0, 1650.0])
        assert (statuses, reasons) == (["Good"] * 2, [""] * 2)
        assert it.holds(1650.0, 2150.0)
        assert [(one.user, one.path) for one in it.bridge.audits] == [("olga", B), ("olga", A)]
        assert "Proposal-1 of Hall was applied by olga" in it.notices[-1].message
        assert "It is to save 2 kW·h (95 %: 1 to 3), 10 %" in it.notices[-1].message
        assert it.shown("LastProposal") == one
        with pytest.raises(NotAllowed, match="it is Applied since") as again:
            await it.call("ApplyProposal", one)
        assert again.value.status == Status.BadInvalidState
        listed = await it.call("ListProposals", "applied")
        assert (listed[0], listed[1], listed[4]) == ([one], ["Applied"], ["olga"])
        assert words == ""
        assert (await it.call("GetProposal", one))[-1] == "B/SpeedSetpoint 2000 -> 2150; A/SpeedSetpoint 2000 -> 1650"


async def test_a_refusal_puts_back_what_was_written_before_it(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device) as it:
        device.discretes[0] = True
        await until(lambda: it.bridge.value("Hall/A/Blocked") is True)
        one = it.propose({A: 1650.0, B: 2150.0})
        state, names, _, _, now, statuses, reasons, valid, words = await it.call("ApplyProposal", one)
        assert (state, valid) == ("Refused", False)
        assert (names, statuses) == (["B/SpeedSetpoint", "A/SpeedSetpoint"], ["Good", "BadInvalidState"])
        assert (now, reasons[1]) == ([2000.0, 2000.0], "the pump is blocked")
        assert it.holds(2000.0, 2000.0)
        assert words.startswith("A/SpeedSetpoint was refused with BadInvalidState (the pump is blocked); ")
        assert words.endswith("B/SpeedSetpoint was put back to 2000")
        assert it.notices[-1].severity == REFUSED
        assert [str(Status(one.status).name) for one in it.bridge.audits] == ["Good", "BadInvalidState", "Good"]


async def test_what_cannot_be_put_back_is_shouted(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device) as it:
        device.discretes[0] = True
        await until(lambda: it.bridge.value("Hall/A/Blocked") is True)
        writing = it.bridge.commands.on_audit(
            lambda audit: device.misbehave("exception", code=4, address=10) if audit.path == A else None
        )
        *_, now, _, reasons, valid, words = await it.call("ApplyProposal", it.propose({A: 1650.0, B: 2150.0}))
        writing()
        assert (valid, now[0]) == (False, 2150.0)
        assert "it could not be put back: " in reasons[0]
        assert "B/SpeedSetpoint COULD NOT BE PUT BACK and stands at 2150, before at 2000" in words
        assert it.notices[-1].severity == LEFT_HALF


async def test_what_cannot_be_applied_is_refused_before_anything_is_written(
    tmp_path: Path, device: ModbusDevice
) -> None:
    async with hall(tmp_path, device) as it:

        async def refused(one: str, why: str) -> None:
            with pytest.raises(NotAllowed, match=why) as caught:
                await it.call("ApplyProposal", one)
            assert caught.value.status == Status.BadInvalidState
            assert f"{one} of Hall was not applied for olga" in it.notices[-1].message
            assert not it.bridge.audits

        first, second = it.propose({A: 1500.0}), it.propose({A: 1600.0})
        await refused(first, r"it is Superseded since .* \(Proposal-2 is newer\)")
        it.clock[0] += 901 * SECOND
        await refused(second, r"it is Expired since .* \(nobody applied it within 15 minutes\)")
        third = it.propose({A: 1600.0})
        device.put(0, 1900.0, ">f4")
        await until(lambda: it.bridge.value(A) == 1900.0)
        await refused(third, "the plant has moved on: A/SpeedSetpoint is 1900, and was 2000 when it was proposed")
        assert (await it.call("GetProposal", third))[0] == "Refused"
        fourth = it.propose({A: 1600.0})
        await device.stop()
        await until(lambda: not it.bridge.good(A))
        await refused(fourth, "A/SpeedSetpoint has no Good value")
        await it.call("SetOptimizationMode", "Advisory")
        await refused(fourth, "the mode is advisory")
        with pytest.raises(NotAllowed, match="operators") as caught:
            await it.call("ApplyProposal", fourth, user=VIEWER)
        assert caught.value.status == Status.BadUserAccessDenied
        with pytest.raises(ArgumentError, match='has no proposal "Proposal-9"; it has Proposal-4, Proposal-3'):
            await it.call("ApplyProposal", "Proposal-9")


async def test_whoever_waits_no_more_a_proposal_is_applied_to_its_end(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device) as it:
        call = asyncio.create_task(it.call("ApplyProposal", it.propose({A: 1650.0, B: 1750.0})))
        it.bridge.commands.on_audit(lambda _: call.cancel())
        await asyncio.wait([call])
        assert call.cancelled()
        await it.advice.stop()
        assert it.holds(1650.0, 1750.0)
        assert (await it.call("ListProposals", ""))[1] == ["Applied"]


async def test_proposals_and_their_numbers_survive_a_restart(tmp_path: Path, device: ModbusDevice) -> None:
    async with hall(tmp_path, device) as it:
        it.propose({A: 1650.0}, low=math.nan)
        await it.call("ApplyProposal", it.propose({A: 1700.0}))
    async with hall(tmp_path, device) as it:
        listed = await it.call("ListProposals", "")
        assert (listed[0], listed[1]) == (["Proposal-2", "Proposal-1"], ["Applied", "Superseded"])
        told = await it.call("GetProposal", "Proposal-1")
        assert math.isnan(told[12])
        assert it.propose({A: 1500.0}) == "Proposal-3"
        for _ in range(60):
            last = it.propose({A: 1500.0})
        assert (last, len((await it.call("ListProposals", ""))[0])) == ("Proposal-63", 50)
