"""The past of the demo as a history client draws it: a day raw and by averages of a minute, and what happened."""

from __future__ import annotations

import asyncio
import math
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_from_binary

from tests.simulators.demo_run import Seat, Uatwin, seat
from tests.simulators.documents import ROOT, named_blocks

PATH = "PrimaryLoop/SupplyTemperature"
EVERY_S, DAY_S, MINUTE_S = 10, 86_400, 60
AVERAGE = ua.NodeId(ua.ObjectIds.AggregateFunction_Average)
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)


def temperature(second: int) -> float:
    """What an engineer brings from the system before."""
    return 6.0 + 2.0 * math.sin(second / DAY_S * 2 * math.pi)


async def back_fill(client: Seat) -> None:
    values = [
        ua.DataValue(
            ua.Variant(temperature(second), ua.VariantType.Float), SourceTimestamp=DAY + timedelta(seconds=second)
        )
        for second in range(0, DAY_S, EVERY_S)
    ]
    request = ua.HistoryUpdateRequest()
    request.Parameters.HistoryUpdateDetails = [
        ua.UpdateDataDetails(client.node_id(PATH), ua.PerformUpdateType.Insert, values)
    ]
    answer = await client.client.uaclient.protocol.send_request(request)
    (result,) = struct_from_binary(ua.HistoryUpdateResponse, answer).Results
    assert {code.name for code in result.OperationResults} == {"GoodEntryInserted"}


async def minutes(client: Seat) -> list[ua.DataValue]:
    """The day by averages of a minute."""
    details = ua.ReadProcessedDetails(
        DAY, DAY + timedelta(days=1), 1000.0 * MINUTE_S, [AVERAGE], ua.AggregateConfiguration(True)
    )
    request = ua.HistoryReadParameters(details, ua.TimestampsToReturn.Source, False)
    request.NodesToRead = [ua.HistoryReadValueId(NodeId=client.node_id(PATH))]
    (result,) = await client.client.uaclient.history_read(request)
    result.StatusCode.check()
    assert not result.ContinuationPoint
    return list(result.HistoryData.DataValues)


async def test_a_day_is_drawn_raw_and_by_averages_of_a_minute(running: Uatwin) -> None:
    async with seat(running.endpoint, "engineer") as client:
        await back_fill(client)
        node = client.client.get_node(client.node_id(PATH))
        raw = await node.read_raw_history(DAY, DAY + timedelta(days=1), return_bounds=False)
        averages = await minutes(client)
    assert len(raw) == DAY_S // EVERY_S
    assert [one.Value.Value for one in raw[:3]] == pytest.approx([temperature(0), temperature(10), temperature(20)])
    assert len(averages) == DAY_S // MINUTE_S
    for number in (0, 360, 1439):
        expected = sum(temperature(second) for second in range(60 * number, 60 * number + 60, EVERY_S)) / 6
        assert averages[number].Value.Value == pytest.approx(expected, abs=1e-5)
        assert averages[number].SourceTimestamp == DAY + timedelta(minutes=number)
        assert averages[number].StatusCode.is_good()


async def test_what_the_devices_say_is_kept_as_it_comes(running: Uatwin) -> None:
    async with seat(running.endpoint) as client:
        node = client.client.get_node(client.node_id(PATH))
        assert (await node.read_attribute(ua.AttributeIds.Historizing)).Value.Value
        end = time.monotonic() + 20
        while True:
            now = datetime.now(UTC)
            values = await node.read_raw_history(now - timedelta(minutes=5), now + timedelta(minutes=1), 5)
            if len([one for one in values if one.StatusCode.is_good()]) == 5:
                break
            assert time.monotonic() < end, values
    times = [one.SourceTimestamp for one in values]
    assert times == sorted(times)


async def test_the_program_of_the_page_draws_an_hour(running: Uatwin, tmp_path: Path) -> None:
    ((name, text),) = named_blocks(ROOT / "docs/reading-history.md", "python")
    (tmp_path / name).write_text(text, "utf-8")
    environment = {**os.environ, "UATWIN_URL": running.endpoint}
    command = [sys.executable, str(tmp_path / name)]
    said = await asyncio.to_thread(subprocess.check_output, command, env=environment, text=True)
    assert re.fullmatch(r"\d+ values, 60 minutes", said.strip())
