"""Publishes numbered messages to a broker at a steady rate, in a process of its own that costs next to nothing.

Arguments: port, topics, values per message, messages per second, seconds, QoS. Message number n goes to topic
bench/<n % topics> and carries n in each of its values. Waits for a line, then sends, then says how many it sent.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time

SLICE_S = 0.01


def main() -> None:
    port, topics, values, rate, seconds, qos = (int(argument) for argument in sys.argv[1:])
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(b"\x10\x15\x00\x04MQTT\x04\x02\x00\x00\x00\x09publisher")
    assert link.recv(4) == b"\x20\x02\x00\x00"
    acknowledged = _Acknowledged(link)
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()
    sent, total, start = 0, rate * seconds, time.perf_counter()
    while sent < total:
        due = min(total, int((time.perf_counter() - start) * rate) + 1)
        if due > sent:
            link.sendall(b"".join([_packet(number, topics, values, qos) for number in range(sent, due)]))
            sent = due
        time.sleep(SLICE_S)
    took = time.perf_counter() - start
    if qos:
        acknowledged.wait(total)
    print(json.dumps({"sent": sent, "seconds": took}), flush=True)
    link.sendall(b"\xe0\x00")
    sys.stdin.readline()


class _Acknowledged(threading.Thread):
    """Reads the broker's PUBACKs, so that it can go on."""

    def __init__(self, link: socket.socket) -> None:
        super().__init__(daemon=True)
        self._link, self._bytes, self._changed = link, 0, threading.Condition()
        self.start()

    def run(self) -> None:
        while data := self._link.recv(65_536):
            with self._changed:
                self._bytes += len(data)
                self._changed.notify()

    def wait(self, messages: int) -> None:
        """Until so many were acknowledged."""
        with self._changed:
            self._changed.wait_for(lambda: self._bytes >= 4 * messages, 30)


def _packet(number: int, topics: int, values: int, qos: int) -> bytes:
    topic = b"bench/%d" % (number % topics)
    stamp = time.time_ns() // 1_000_000
    if values == 1:
        payload = b'{"v":%d.0,"ts":%d,"n":%d}' % (number, stamp, number % topics)
    else:
        payload = b'{"ts":%d,%s}' % (stamp, b",".join([b'"v%d":%d.5' % (n, number) for n in range(values)]))
    identifier = (number % 65_535 + 1).to_bytes(2, "big") if qos else b""
    body = len(topic).to_bytes(2, "big") + topic + identifier + payload
    return bytes([0x30 | qos << 1]) + _length(len(body)) + body


def _length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, seven = size >> 7, size & 0x7F
        out.append(seven | (0x80 if size else 0))
        if not size:
            return bytes(out)


if __name__ == "__main__":
    main()
