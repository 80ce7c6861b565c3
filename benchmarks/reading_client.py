"""A client in a process of its own that sends one ReadRequest again and again and checks every value it gets.

    python -m benchmarks.reading_client URL ITEMS SECONDS NODE_PATTERN plain|registered

The server holds the same Good Doubles all the time, item i's being `SPAN + i`. Prints a line once it begins, and one
with values, wrong (responses that hold anything else) and p50_ms per Read.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from benchmarks.counting_client import SPAN
from benchmarks.data_values import as_records
from benchmarks.lean_client import LeanClient, read_request


def main(url: str, items: int, seconds: float, pattern: str, way: str) -> None:
    """Read for so many seconds, print the result."""
    node_ids = [ua.NodeId.from_string(pattern.format(i, i // 100)) for i in range(items)]
    with LeanClient(url) as client:
        client.log_in()
        if way == "registered":
            register = ua.RegisterNodesRequest()
            register.Parameters.NodesToRegister = node_ids
            node_ids = client.call(register).Parameters.RegisteredNodeIds
        request = client.encode(read_request(*node_ids))
        expected = SPAN + np.arange(items)
        client.send(request)
        client.receive()
        print(json.dumps({"reading": True}), flush=True)
        times, wrong, end = [], 0, time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            client.send(request)
            body = client.receive()[1]
            times.append(time.perf_counter() - began)
            wrong += not _holds(body, expected)
    result = {"values": len(times) * items, "wrong": wrong, "p50_ms": float(np.median(times)) * 1000}
    print(json.dumps(result), flush=True)
    sys.stdin.read()  # the server's CPU is read before this connection closes


def _holds(body: bytes, expected: object) -> bool:
    buffer = Buffer(body, 4)
    struct_from_binary(ua.ResponseHeader, buffer)
    at = len(body) - len(buffer)
    records = as_records(memoryview(body)[at + 4 : -4], int.from_bytes(body[at : at + 4], "little"))
    return records is not None and np.array_equal(records["value"], np.asarray(expected))


if __name__ == "__main__":
    url, items, seconds, pattern, way = sys.argv[1:]
    main(url, int(items), float(seconds), pattern, way)
