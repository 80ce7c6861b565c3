"""What outlives a restart is whole, and what cannot be read is moved aside."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from server.advice.kept import Kept


async def test_the_latest_of_many_changes_is_on_disk(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "some" / "numbers.json", list[int], [])
    for number in range(20):
        kept.note([number])
    await kept.flush()
    again = Kept(tmp_path / "some" / "numbers.json", list[int], [])
    await again.open()
    assert again.value == [19]
    assert [one.name for one in (tmp_path / "some").iterdir()] == ["numbers.json"]


async def test_a_file_that_cannot_be_read_is_moved_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "numbers.json").write_text('["one"]')
    kept = Kept(tmp_path / "numbers.json", list[int], [7])
    with caplog.at_level(logging.ERROR):
        await kept.open()
    assert (kept.value, "it is moved to numbers.unreadable" in caplog.text) == ([7], True)
    assert (tmp_path / "numbers.unreadable").read_text() == '["one"]'


async def test_a_disk_that_refuses_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    kept = Kept(tmp_path / "file" / "numbers.json", list[int], [])
    with caplog.at_level(logging.ERROR):
        kept.note([1])
        await kept.flush()
    assert "cannot be written" in caplog.text
