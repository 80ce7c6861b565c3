"""Alarms from a device's value to an operator and back, over a restart, and when the device itself is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from asyncua import Client, ua

from server.security.users import add_user
from tests.simulators.demo_run import FREE_ENDPOINT, Uatwin
from tests.simulators.modbus_device import ModbusDevice
from tests.simulators.waiting import until

PLANT = """
plant: {{name: {name}}}
server: {{policies: [None], users_file: users.yaml}}
connections:
  line: {{driver: modbus, host: 127.0.0.1, port: {port}}}
twins:
  Tank:
    scope: asset
    connection: line
    telemetry:
      Level: {{type: Float, unit: P1, point: {{address: 0}}, rate_s: 0.1}}
    rules:
      HighLevel: {{input: Level, high: 80, high_high: 90, severity: {{high: 500, high_high: 800}}}}
rules:
  ConnectionLost: {{connection: line, on_delay_s: 0}}
"""
ALARM = "ns=3;s=Tank/HighLevel"
PASSWORD = "a long enough password"


class AlarmList:
    """What an operator's alarm list shows, by ConditionName: fields by name."""

    def __init__(self) -> None:
        self.alarms: dict[str, dict[str, Any]] = {}

    def event_notification(self, event: Any) -> None:
        fields = event.get_event_props_as_fields_dict()
        if "Retain" in fields:
            self.alarms[fields["ConditionName"].Value] = {name: value.Value for name, value in fields.items()}

    def shows(self, name: str, **fields: object) -> bool:
        alarm = self.alarms.get(name, {})
        return bool(alarm) and all(alarm.get(key.replace("_", "/")) == value for key, value in fields.items())


@asynccontextmanager
async def operating(folder: Path, file: Path) -> AsyncIterator[tuple[Client, AlarmList]]:
    """A bridge that runs, its operator's client and alarm list, refreshed once."""
    with Uatwin(folder, "run", str(file), *FREE_ENDPOINT, "--pki", str(file.parent / "pki")) as bridge:
        client = Client(await asyncio.to_thread(lambda: bridge.endpoint))
        client.set_user("operator")
        client.set_password(PASSWORD)
        async with client:
            shown = AlarmList()
            subscription = await client.create_subscription(50, shown)
            types = [ua.ObjectIds.ExclusiveLevelAlarmType, ua.ObjectIds.SystemOffNormalAlarmType]
            await subscription.subscribe_alarms_and_conditions(evtypes=types)
            kind = client.get_node(ua.ObjectIds.ConditionType)
            refresh = ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh)
            await kind.call_method(refresh, ua.Variant(subscription.subscription_id, ua.VariantType.UInt32))
            yield client, shown
            await subscription.delete()


async def acknowledge(client: Client, shown: AlarmList, name: str, comment: str) -> None:
    event_id = ua.Variant(shown.alarms[name]["EventId"], ua.VariantType.ByteString)
    text = ua.Variant(ua.LocalizedText(comment, "en"), ua.VariantType.LocalizedText)
    method = ua.NodeId(ua.ObjectIds.AcknowledgeableConditionType_Acknowledge)
    await client.get_node(ALARM).call_method(method, event_id, text)


async def test_an_alarm_is_raised_acknowledged_and_remembered_over_a_restart(tmp_path: Path) -> None:
    """Part 9, 4.5, 5.5.7, 5.7.3: the done-when of an operator's day."""
    async with ModbusDevice() as device:
        file = tmp_path / "plant.yaml"
        file.write_text(PLANT.format(name=f"Alarms{device.port}", port=device.port))
        add_user(tmp_path / "users.yaml", "operator", PASSWORD, ["Operator"])
        device.put(0, 50.0, ">f4")
        async with operating(tmp_path / "one", file) as (client, shown):
            device.put(0, 85.0, ">f4")
            await until(lambda: shown.shows("HighLevel", ActiveState_Id=True, AckedState_Id=False, Severity=500))
            device.put(0, 95.0, ">f4")
            await until(lambda: shown.shows("HighLevel", Severity=800))
            await acknowledge(client, shown, "HighLevel", "draining")
            await until(lambda: shown.shows("HighLevel", AckedState_Id=True))

        async with operating(tmp_path / "two", file) as (client, shown):
            await until(lambda: shown.shows("HighLevel", AckedState_Id=True, ActiveState_Id=True, Severity=800))
            assert shown.alarms["HighLevel"]["Comment"].Text == "draining"
            device.put(0, 50.0, ">f4")
            await until(lambda: shown.shows("HighLevel", ActiveState_Id=False, Retain=False))
            await device.stop()
            await until(lambda: shown.shows("ConnectionLost", ActiveState_Id=True))
            assert shown.alarms["ConnectionLost"]["SourceName"] == "line"
