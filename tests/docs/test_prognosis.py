"""The client of docs/prognosis.md, run as it stands there."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.analysis.conftest import hall
from tests.analysis.test_prognosis_over_the_wire import AGES, PLANT, bearing_of, course, remember
from tests.simulators.documents import ROOT, named_blocks


async def test_the_client_of_the_page_tells_health_remaining_life_and_forecast(tmp_path: Path) -> None:
    script = tmp_path / "prognosis.py"
    script.write_text(dict(named_blocks(ROOT / "docs/prognosis.md", "python"))[script.name])
    worn = bearing_of(AGES[-1])
    async with hall(tmp_path, text=PLANT) as plant:
        remember(plant, worn, course(AGES[-1]))
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), plant.bridge.server.endpoint_url, worn, "Vibration",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await process.communicate()
    print(said.decode())
    assert process.returncode == 0
    health, life, ahead = said.decode().splitlines()
    assert health.startswith("Health ")
    assert "it reaches its limit of 4.5 mm/s in" in life
    assert "it reaches its limit of 4.5 mm/s in" in ahead
