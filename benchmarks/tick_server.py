"""A server in a process of its own whose Double items change on a clock: ours, or stock asyncua for comparison.

    python -m benchmarks.tick_server uatwin|asyncua ITEMS PERIOD_S

Prints its endpoint and a NodeId pattern as one JSON line, then answers each line on stdin with the CPU seconds it has
used.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
from asyncua import Server, ua

from benchmarks.counting_client import SPAN
from benchmarks.plants import doubles
from drivers.readings import Readings, now_ticks

Tick = Callable[[int], Awaitable[None]]


async def _uatwin(items: int) -> tuple[str, str, Tick, Callable[[], Awaitable[None]]]:
    from server.address_space import TwinSpace
    from server.services.options import UaServerOptions
    from server.services.ua_server import UaServer
    from server.tags.table import TagTable

    plant = doubles(items)
    table = TagTable([int(tag.data_type) for tag in plant.tags])
    space = TwinSpace(plant, table, lambda twin: ())
    options = UaServerOptions(Path(tempfile.mkdtemp()), "opc.tcp://127.0.0.1:0/uatwin")
    server = UaServer(options, table, space, None, None)  # type: ignore[arg-type]
    await server.start()
    rows = np.arange(items, dtype=np.int32)
    offset = rows.astype(np.float64)
    good = np.zeros(items, np.uint32)

    async def tick(number: int) -> None:
        values = offset + float(number) * SPAN
        table.commit(Readings(rows, values.view(np.uint64), good, np.full(items, now_ticks())))

    return server.endpoint_url, "ns=3;s=Bench/Asset{1}/Tag{0}", tick, server.stop


async def _asyncua(items: int) -> tuple[str, str, Tick, Callable[[], Awaitable[None]]]:
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/stock")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    space = await server.register_namespace("urn:bench")
    folder = await server.nodes.objects.add_folder(space, "Bench")
    nodes = [
        await folder.add_variable(ua.NodeId(ua.String(f"Tag{i}"), ua.Int16(space)), f"Tag{i}", 0.0)
        for i in range(items)
    ]
    await server.start()

    async def tick(number: int) -> None:
        for index, node in enumerate(nodes):
            value = ua.DataValue(ua.Variant(float(number * SPAN + index), ua.VariantType.Double))
            await server.write_attribute_value(node.nodeid, value)

    assert server.bserver is not None
    return f"opc.tcp://127.0.0.1:{server.bserver.port}/stock", f"ns={space};s=Tag{{0}}", tick, server.stop


async def _answer_stdin() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        print(json.dumps({"cpu_s": time.process_time()}), flush=True)


async def main(kind: str, items: int, period_s: float) -> None:
    """Serve until stdin closes."""
    make = {"uatwin": _uatwin, "asyncua": _asyncua}[kind]
    gc.disable()  # while loading there is nothing to find
    url, pattern, tick, stop = await make(items)
    gc.enable()
    print(json.dumps({"url": url, "pattern": pattern}), flush=True)
    asked = asyncio.create_task(_answer_stdin())
    loop = asyncio.get_running_loop()
    start, number = loop.time(), 0
    while not asked.done():
        number += 1
        await tick(number)
        await asyncio.wait([asked], timeout=max(start + number * period_s - loop.time(), 0))
    await stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
