"""A broker that dies, restarts with queued messages or freezes under a stream of numbered messages."""

from __future__ import annotations

from pathlib import Path

from tests.simulators import mqtt_outages

BACK_OFF_S = 0.4
"""The longest pause of the bridge these tests run."""


async def test_a_killed_broker_shows_at_once_and_is_found_again(tmp_path: Path) -> None:
    outage = await mqtt_outages.killed(tmp_path)
    assert outage.until_bad_s < 0.5
    assert outage.until_good_s < BACK_OFF_S + 2


async def test_a_broker_restarted_with_queued_messages_loses_none(tmp_path: Path) -> None:
    outage = await mqtt_outages.restarted_with_queue(tmp_path)
    assert outage.until_bad_s < 0.5
    assert outage.until_good_s < BACK_OFF_S + 2
    assert outage.lost == 0


async def test_a_frozen_broker_shows_after_two_keep_alives_and_loses_nothing(tmp_path: Path) -> None:
    outage = await mqtt_outages.frozen(tmp_path)
    assert outage.until_bad_s < 3.5  # or earlier, by staleness
    assert outage.until_good_s < BACK_OFF_S + 2
    assert outage.lost == 0
