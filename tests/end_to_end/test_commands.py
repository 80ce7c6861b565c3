"""Commands of an OPC UA client, each seen to arrive, or to be refused, by a second client at the device itself."""

from __future__ import annotations

import asyncio
import json
import queue
import time
from collections.abc import Awaitable, Callable, Iterator

import aiocoap
import paho.mqtt.client as paho
import pytest
from asyncua import ua
from pymodbus.client import AsyncModbusTcpClient

from tests.simulators.demo_run import Seat, Uatwin, bridge, seat

SPEED = "PrimaryLoop/Pump1/SpeedSetpoint"
FAN = "SecondaryLoop/CoolingTower/FanSpeedSetpoint"
LEVEL = "SecondaryLoop/Tank/LevelSetpoint"
ALL = (SPEED, FAN, LEVEL)
Kind = ua.VariantType


async def _modbus_setpoint(port: int, unit: int) -> float:
    """What the drive itself holds."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=2, retries=0)
    assert await client.connect()
    try:
        answer = await client.read_holding_registers(0, count=2, device_id=unit)
        return float(client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32))
    finally:
        client.close()


async def _coap(port: int, path: str) -> dict[str, float]:
    """What the station itself holds."""
    context = await aiocoap.Context.create_client_context(transports=["simple6"])
    try:
        request = aiocoap.Message(code=aiocoap.GET, uri=f"coap://127.0.0.1:{port}/{path}")
        async with asyncio.timeout(5):
            return dict(json.loads((await context.request(request).response).payload))
    finally:
        await context.shutdown()


class Broker:
    """A subscriber of the demo's broker."""

    def __init__(self, port: int, topic: str) -> None:
        self.payloads: queue.Queue[bytes] = queue.Queue()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda client, data, message: self.payloads.put(message.payload)
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topic, 1)
        self._client.loop_start()

    async def until(self, accept: Callable[[bytes], bool]) -> bytes:
        while True:
            payload = await asyncio.to_thread(self.payloads.get, timeout=10)
            if accept(payload):
                return payload

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def fan_state(running: Uatwin) -> Iterator[Broker]:
    broker = Broker(running.device_ports.mqtt, "cooling/tower/fan/state")
    yield broker
    broker.close()


@pytest.fixture(scope="module")
def lax(running: Uatwin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uatwin]:
    """A second bridge on the same devices, whose plant file allows more than the devices do."""

    def edit(text: str) -> str:
        speed = "range: [0, 3000]\n        description: Wanted shaft speed"
        fan = "range: [0, 100]\n                description: Wanted fan speed"
        for old in (speed, fan, "limits: [10, 95]"):
            assert old in text
        text = text.replace(speed, speed.replace("3000", "5000")).replace(fan, fan.replace("100", "200"))
        return text.replace("limits: [10, 95]", "limits: [0, 100]")

    with bridge(tmp_path_factory.mktemp("lax"), running.device_ports, edit) as process:
        yield process


async def _until(condition: Callable[[], Awaitable[bool]], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < end, f"not within {within_s} s"
        await asyncio.sleep(0.1)


async def test_a_modbus_setpoint_is_read_back_and_the_pump_follows(running: Uatwin) -> None:
    async with seat(running.endpoint, "operator") as client:
        before = {name: await client.value(f"PrimaryLoop/Pump1/{name}") for name in ("Speed", "Flow", "Power")}
        assert await client.write(SPEED, 2100.0) == "Good"
        assert await _modbus_setpoint(running.device_ports.modbus, unit=1) == 2100.0
        assert await client.value(SPEED) == 2100.0

        async def follows() -> bool:
            now = {name: await client.value(f"PrimaryLoop/Pump1/{name}") for name in before}
            return now["Speed"] > 2050 and now["Flow"] > before["Flow"] * 1.1 and now["Power"] > before["Power"] * 1.3

        await _until(follows)
        assert await client.write(SPEED, 1800.0) == "Good"


async def test_an_mqtt_command_is_good_once_the_state_topic_shows_it(running: Uatwin, fan_state: Broker) -> None:
    async with seat(running.endpoint, "operator") as client:
        before = await client.value("SecondaryLoop/CoolingTower/FanSpeed")
        wanted = 40.0 if float(before) > 60 else 85.0
        assert await client.write(FAN, wanted) == "Good"
        assert await client.value(FAN) == wanted
        await fan_state.until(lambda payload: payload == f"{wanted:g}".encode())

        async def follows() -> bool:
            now = await client.value("SecondaryLoop/CoolingTower/FanSpeed")
            return abs(float(now) - wanted) < abs(float(before) - wanted) - 3

        await _until(follows)


async def test_a_coap_put_reaches_the_station(running: Uatwin) -> None:
    async with seat(running.endpoint, "operator") as client:
        assert await client.write(LEVEL, 61.5) == "Good"
        assert await client.value(LEVEL) == 61.5
        assert (await _coap(running.device_ports.coap, "tank/level_setpoint"))["value"] == 61.5
        assert await client.write("SecondaryLoop/Tank/DrainValve/PositionSetpoint", 25.0) == "Good"

        async def drains() -> bool:
            return float(await client.value("SecondaryLoop/Tank/DrainValve/Position")) > 15

        await _until(drains)
        assert await client.write("SecondaryLoop/Tank/DrainValve/PositionSetpoint", 0.0) == "Good"


@pytest.mark.parametrize(("path", "value"), [(SPEED, 3001.0), (FAN, -1.0), (LEVEL, 5.0), (SPEED, float("nan"))])
async def test_a_value_out_of_range_is_refused_and_not_sent(running: Uatwin, path: str, value: float) -> None:
    async with seat(running.endpoint, "operator") as client:
        before = await client.value(path)
        assert await client.write(path, value) == "BadOutOfRange"
        assert await client.value(path) == before


async def test_a_value_of_another_type_is_refused(running: Uatwin) -> None:
    async with seat(running.endpoint, "operator") as client:
        for path in ALL:
            assert await client.write(path, 50.0, Kind.Double) == "BadTypeMismatch"
            assert await client.write(path, 50, Kind.Int16) == "BadTypeMismatch"
            assert await client.write(path, "50", Kind.String) == "BadTypeMismatch"
        assert await client.write("PrimaryLoop/Pump1/Run", 1, Kind.Byte) == "BadTypeMismatch"


@pytest.mark.parametrize("user", [None, "viewer"])
async def test_who_is_no_operator_reads_and_cannot_write_or_command(running: Uatwin, user: str | None) -> None:
    async with seat(running.endpoint, user) as client:
        for path in ALL:
            assert await client.status(path) == "Good"
            assert await client.write(path, 50.0) == "BadUserAccessDenied"
        stopped = await client.call("PrimaryLoop/Pump1/Commands/Stop")
        assert stopped.StatusCode.name == "BadUserAccessDenied"
        assert await client.value("PrimaryLoop/Pump1/Run") is True


async def test_a_wrong_password_and_an_unknown_user_are_refused_alike(running: Uatwin) -> None:
    for user, password in (("operator", "guess"), ("nobody", "guess")):
        with pytest.raises(ua.UaError) as refused:
            async with seat(running.endpoint, user, password):
                pass
        assert type(refused.value).__name__ in ("BadUserAccessDenied", "BadIdentityTokenRejected")


async def test_telemetry_and_what_is_not_there_cannot_be_written(running: Uatwin) -> None:
    async with seat(running.endpoint, "operator") as client:
        assert await client.write("PrimaryLoop/Pump1/Speed", 1.0) == "BadNotWritable"
        assert await client.write("PrimaryLoop/Pump9/Speed", 1.0) == "BadNodeIdUnknown"


async def test_a_command_that_may_be_clamped_says_so(running: Uatwin) -> None:
    path = "PrimaryLoop/Chiller/CapacityLimit"
    async with seat(running.endpoint, "operator") as client:
        assert await client.write(path, 5.0) == "GoodClamped"
        assert await client.value(path) == 20.0
        assert await client.write(path, 100.0) == "Good"


async def test_methods_stop_and_start_a_pump_and_set_its_speed(running: Uatwin) -> None:
    pump = "PrimaryLoop/Pump2"
    async with seat(running.endpoint, "operator") as client:
        assert (await client.call(f"{pump}/Commands/Stop")).StatusCode.name == "Good"
        assert await client.value(f"{pump}/Run") is False
        await _until(lambda: _is(client, f"{pump}/State", 3))
        assert (await client.call(f"{pump}/Commands/Start")).StatusCode.name == "Good"
        called = await client.call(f"{pump}/Commands/SetSpeed", ua.Variant(1850.0, Kind.Float))
        assert called.StatusCode.name == "Good"
        assert await _modbus_setpoint(running.device_ports.modbus, unit=2) == 1850.0
        await _until(lambda: _is(client, f"{pump}/State", 2))
        assert await client.write(f"{pump}/SpeedSetpoint", 1800.0) == "Good"


async def _is(client: Seat, path: str, value: object) -> bool:
    (now,) = await client.read(path)  # not Good for a while where the computer is busy
    return now.StatusCode.is_good() and now.Value.Value == value


@pytest.mark.parametrize(
    ("arguments", "status", "results"),
    [
        ([ua.Variant(3500.0, Kind.Float)], "BadInvalidArgument", ["BadOutOfRange"]),
        ([ua.Variant(2000, Kind.Int32)], "BadInvalidArgument", ["BadTypeMismatch"]),
        ([], "BadArgumentsMissing", []),
        ([ua.Variant(1.0, Kind.Float)] * 2, "BadTooManyArguments", []),
    ],
)
async def test_a_wrong_argument_of_a_command_method_is_named(
    running: Uatwin, arguments: list[ua.Variant], status: str, results: list[str]
) -> None:
    async with seat(running.endpoint, "operator") as client:
        called = await client.call("PrimaryLoop/Pump1/Commands/SetSpeed", *arguments)
    assert called.StatusCode.name == status
    assert [result.name for result in called.InputArgumentResults] == results


async def test_one_request_with_many_commands_is_answered_item_by_item(running: Uatwin) -> None:
    wanted = [(SPEED, 1800.0), (SPEED, 9999.0), (LEVEL, 62.0), (FAN, 500.0), ("PrimaryLoop/Pump1/Speed", 1.0)]
    async with seat(running.endpoint, "operator") as client:
        items = [
            ua.WriteValue(
                client.node_id(path), ua.AttributeIds.Value, Value=ua.DataValue(ua.Variant(value, Kind.Float))
            )
            for path, value in wanted
        ]
        answers = await client.client.uaclient.write(ua.WriteParameters(items))
    assert [answer.name for answer in answers] == ["Good", "BadOutOfRange", "Good", "BadOutOfRange", "BadNotWritable"]


async def test_each_devices_own_refusal_reaches_the_client(lax: Uatwin) -> None:
    async with seat(lax.endpoint, "operator") as client:
        await client.until_all_good()
        before = [await client.value(path) for path in ALL]
        assert await client.write(SPEED, 4000.0) == "BadOutOfRange"  # Modbus exception 3
        assert await client.write(FAN, 150.0) == "BadTimeout"  # the gateway never shows it on the state topic
        assert await client.write(LEVEL, 5.0) == "BadInvalidArgument"  # CoAP 4.00
        assert [await client.value(path) for path in ALL] == before


async def test_a_tripped_machine_refuses_to_start_and_a_reset_helps(running: Uatwin) -> None:
    chiller = "PrimaryLoop/Chiller"
    async with seat(running.endpoint, "operator") as client:
        injected = await client.call("Commands/Inject", ua.Variant(5, Kind.UInt16))
        assert injected.StatusCode.name == "Good"
        await _until(lambda: _is(client, f"{chiller}/State", 4))
        assert await client.value(f"{chiller}/Message")
        assert (await client.call(f"{chiller}/Commands/Start")).StatusCode.name == "BadDeviceFailure"
        assert (await client.call(f"{chiller}/Commands/ResetFault")).StatusCode.name == "Good"
        assert (await client.call(f"{chiller}/Commands/Start")).StatusCode.name == "Good"
        await _until(lambda: _is(client, f"{chiller}/State", 1))
        assert (await client.call("Commands/ClearFaults")).StatusCode.name == "Good"


async def test_an_interlock_keeps_the_chiller_off_without_water(running: Uatwin) -> None:
    async with seat(running.endpoint, "operator") as client:
        for pump in ("Pump1", "Pump2"):
            assert (await client.call(f"PrimaryLoop/{pump}/Commands/Stop")).StatusCode.name == "Good"

        async def no_water() -> bool:
            return float(await client.value("PrimaryLoop/Flow")) < 29

        await _until(no_water)
        refused = await client.call("PrimaryLoop/Chiller/Commands/Start")
        assert refused.StatusCode.name == "BadInvalidState"
        for pump in ("Pump1", "Pump2"):
            assert (await client.call(f"PrimaryLoop/{pump}/Commands/Start")).StatusCode.name == "Good"
