"""Messages between the server and a worker over a pipe: pickle 5 with the arrays beside it, never copied into it.

Both ends are ours; nothing of this ever comes from outside.
"""

from __future__ import annotations

import asyncio
import pickle
import struct
from collections.abc import Sequence
from typing import BinaryIO, Final

_CHUNK: Final = 1 << 18
"""Bytes written in one go, so that a large message never holds the event loop up."""


def pack(message: object) -> list[memoryview]:
    """The parts of a message, a header with their sizes first."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(body), *(buffer.raw() for buffer in buffers)]
    header = struct.pack(f"<I{len(parts)}Q", len(parts), *(len(part) for part in parts))
    return [memoryview(header), *parts]


async def send(writer: asyncio.StreamWriter, message: object) -> None:
    """Write a message; raises ConnectionError."""
    for part in pack(message):
        for start in range(0, len(part), _CHUNK):
            writer.write(part[start : start + _CHUNK])
            await writer.drain()


async def receive(reader: asyncio.StreamReader) -> object:
    """Read a message; raises asyncio.IncompleteReadError when the other end has gone."""
    (count,) = struct.unpack("<I", await reader.readexactly(4))
    sizes = struct.unpack(f"<{count}Q", await reader.readexactly(8 * count))
    parts = [await reader.readexactly(size) for size in sizes]
    return _load(parts)


def send_now(stream: BinaryIO, message: object) -> None:
    """The same for the worker, which may wait."""
    for part in pack(message):
        stream.write(part)
    stream.flush()


def receive_now(stream: BinaryIO) -> object:
    """The same for the worker; raises EOFError when the server has gone."""
    (count,) = struct.unpack("<I", _exactly(stream, 4))
    sizes = struct.unpack(f"<{count}Q", _exactly(stream, 8 * count))
    return _load([_exactly(stream, size) for size in sizes])


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _load(parts: Sequence[bytes]) -> object:
    return pickle.loads(parts[0], buffers=parts[1:])
