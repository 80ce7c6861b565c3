"""The client of docs/analytics.md, run as it stands there."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.analysis.conftest import PASSWORD, course, hall
from tests.simulators.documents import ROOT, named_blocks


async def test_the_client_of_the_page_trains_and_detects(tmp_path: Path) -> None:
    blocks = dict(named_blocks(ROOT / "docs/analytics.md", "python"))
    script = tmp_path / "train_and_watch.py"
    script.write_text(blocks[script.name])
    async with hall(tmp_path) as plant:
        plant.remember(course(1800))
        url = plant.bridge.server.endpoint_url
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), url, "engineer", PASSWORD, "Pump", stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
    assert process.returncode == 0
    assert "Anomaly-1 Active" in said.decode()
    assert "events, data quality 100 %" in said.decode()
