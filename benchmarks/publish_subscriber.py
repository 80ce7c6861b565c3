"""Subscribes to PubSub JSON messages in a process of its own; counts messages, values and gaps in their sequence.

Arguments: port. Says when it has subscribed, answers each line with what it counted so far, ends with its stdin.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict

import msgspec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion


class Counter:
    """What has been heard."""

    def __init__(self) -> None:
        self.messages = self.values = self.gaps = 0
        self._next: dict[int, int] = defaultdict(int)

    def hear(self, payload: bytes) -> None:
        body = msgspec.json.decode(payload)
        self.messages += 1
        for frame in body.get("Messages", ()):
            writer = frame["DataSetWriterId"]
            self.gaps += frame["SequenceNumber"] != self._next[writer]
            self._next[writer] = frame["SequenceNumber"] + 1
            if frame["MessageType"] == "ua-deltaframe":
                self.values += len(frame["Payload"])


def main() -> None:
    counter = Counter()
    client = Client(CallbackAPIVersion.VERSION2, "counter")
    client.on_connect = lambda client, *_: client.subscribe("opcua/json/data/#", 1)
    client.on_subscribe = lambda *_: print(json.dumps({"ready": True}), flush=True)
    client.on_message = lambda client, data, message: counter.hear(message.payload)
    client.connect("127.0.0.1", int(sys.argv[1]))
    client.loop_start()
    for _ in sys.stdin:
        said = {"messages": counter.messages, "values": counter.values, "gaps": counter.gaps}
        print(json.dumps(said), flush=True)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
