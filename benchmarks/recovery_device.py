"""One device on a given port, in a process that is killed and started again.

    python -m benchmarks.recovery_device modbus|coap|mqtt PORT

Prints the monotonic time when it listens, and serves until it is killed. Over MQTT it is the device that publishes to
the topic `value` every 50 ms, whenever there is a broker on that port; the broker is killed instead.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks import coap_fleet, modbus_fleet

_EVERY_S = 0.05


async def modbus(port: int) -> None:
    """Registers that change every second."""
    fleet = modbus_fleet.Fleet()
    server = await asyncio.get_running_loop().create_server(lambda: modbus_fleet.Device(fleet), "127.0.0.1", port)
    _listening()
    await server.serve_forever()


async def coap(port: int) -> None:
    """The resource /r0, which changes once in ten minutes: its observers hear nothing."""
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: coap_fleet.Device(1), ("127.0.0.1", port))
    _listening()
    await asyncio.sleep(600)


async def mqtt(port: int) -> None:
    """A publisher that looks for its broker every 50 to 100 ms."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.reconnect_delay_set(_EVERY_S, 2 * _EVERY_S)  # type: ignore[arg-type]  # takes parts of seconds too
    client.connect_async("127.0.0.1", port)
    client.loop_start()
    _listening()
    number = 0
    while True:
        if client.is_connected():
            number += 1
            client.publish("value", str(number))
        await asyncio.sleep(_EVERY_S)


def _listening() -> None:
    print(json.dumps({"at_s": time.monotonic()}), flush=True)


if __name__ == "__main__":
    asyncio.run({"modbus": modbus, "coap": coap, "mqtt": mqtt}[sys.argv[1]](int(sys.argv[2])))
