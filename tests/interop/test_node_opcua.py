"""The server with node-opcua at the other end: a codec and a client that are not ours."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.services.conftest import PASSWORD, Served, serve

HERE = Path(__file__).parent
NODE = shutil.which("node")
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (HERE / "node_modules" / "node-opcua-client").exists(),
        reason="node-opcua-client is not installed: npm install --no-package-lock in tests/interop",
    ),
]
PUMP, TANK = "ns=3;s=Cooling/Loop1/Pump1", "ns=3;s=Cooling/Loop1/Tank"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def plant(tmp_path_factory: Any) -> AsyncIterator[Served]:
    served = await serve(tmp_path_factory.mktemp("server"), trust_all_certificates=True)
    try:
        yield served
    finally:
        await served.server.stop()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: Any) -> Path:
    return Path(tmp_path_factory.mktemp("client"))


async def run(served: Served, pki: Path, scenario: str, **options: Any) -> Any:
    """What node-opcua saw."""
    assert NODE is not None
    told = json.dumps({"pki": str(pki), "user": "operator", "password": PASSWORD} | options)
    process = await asyncio.create_subprocess_exec(
        NODE, str(HERE / "client.mjs"), served.url, scenario, told, stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 50)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    answer = json.loads(output.splitlines()[-1])
    assert "error" not in answer, answer
    return answer["result"]


async def test_it_finds_the_endpoints(plant: Served, pki: Path) -> None:
    seen = await run(plant, pki, "endpoints")
    assert len(seen["endpoints"]) == 7
    assert ["Aes256_Sha256_RsaPss", 3] in seen["endpoints"]
    assert seen["servers"] == ["urn:test:uatwin"]


async def test_it_browses_the_plant(plant: Served, pki: Path) -> None:
    seen = await run(plant, pki, "browse", node=PUMP)
    assert {"Objects", "Types", "Views"} <= set(seen["root"])
    assert {"Telemetry", "Commands", "DriveEndBearing"} <= set(seen["twins"])
    assert seen["state"] == "ns=0;i=2259"
    assert seen["page"] >= 1


async def test_it_reads_by_name_and_by_handle(plant: Served, pki: Path) -> None:
    plant.set("Cooling/Loop1/Tank/Level", 33.5)
    nodes = [f"{TANK}/Level", f"{PUMP}/HealthScore", "ns=0;i=2259", "ns=3;s=nothing"]
    seen = await run(plant, pki, "read", nodes=nodes)
    assert seen["values"][0] == ["Double", 33.5, "Good", True]
    assert seen["values"][1][2] == "BadWaitingForInitialData"
    assert seen["values"][2][1:3] == [0, "Good"]
    assert seen["values"][3][2] == "BadNodeIdUnknown"
    assert seen["registered"] == seen["values"]


async def test_it_writes_commands_as_the_operator(plant: Served, pki: Path) -> None:
    seen = await run(plant, pki, "write", command=f"{PUMP}/Run", fixed=f"{TANK}/Level")
    assert seen == ["Good", "BadTypeMismatch", "BadNotWritable"]
    assert plant.commands.seen[-1][1:] == (True, "operator")


async def test_it_calls_methods(plant: Served, pki: Path) -> None:
    method = {"objectId": f"{PUMP}/Analytics", "methodId": f"{PUMP}/Mean"}
    seen = await run(plant, pki, "call", method=method)
    assert seen["good"] == ["Good", 4.0]
    assert seen["few"] == "BadArgumentsMissing"
    assert seen["wrong"] == ["BadInvalidArgument", ["Good", "BadTypeMismatch"]]


@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"])
async def test_it_connects_securely_with_a_password(plant: Served, pki: Path, policy: str) -> None:
    assert await run(plant, pki, "secured", policy=policy, mode="SignAndEncrypt") == 0


async def test_it_hears_of_changes(plant: Served, pki: Path) -> None:
    assert (await run(plant, pki, "subscribe"))["count"] == 5
