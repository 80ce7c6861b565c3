// The demo plant as an independent client meets it: the tree, values of three protocols at four scopes, commands, a lost device.
import {
  CallRequest,
  DataType,
  DataValue,
  Variant,
  WriteRequest,
  installAlarmMonitoring,
  uninstallAlarmMonitoring,
} from "node-opcua-client";
import { AttributeIds, login, names, pause, run, show, transact, twin, until, value, withSession } from "./lib.mjs";

const READINGS = {
  "Cooling/CoolingLoad": "Modbus",
  "Cooling/TotalPower": "MQTT",
  "Cooling/OutdoorTemperature": "CoAP",
  "Cooling/PrimaryLoop/SupplyTemperature": "Modbus",
  "Cooling/PrimaryLoop/Power": "MQTT",
  "Cooling/SecondaryLoop/MakeUpFlow": "CoAP",
  "Cooling/PrimaryLoop/Pump1/Speed": "Modbus",
  "Cooling/SecondaryLoop/CoolingTower/FanSpeed": "MQTT",
  "Cooling/SecondaryLoop/Tank/Level": "CoAP",
  "Cooling/PrimaryLoop/Pump1/Motor/WindingTemperature": "Modbus",
  "Cooling/PrimaryLoop/Pump1/DriveEndBearing/Vibration": "MQTT",
  "Cooling/SecondaryLoop/Tank/MakeUpValve/Position": "CoAP",
};
const COMMANDS = {
  "Cooling/PrimaryLoop/Pump1/SpeedSetpoint": [1900, 9999],
  "Cooling/SecondaryLoop/CoolingTower/FanSpeedSetpoint": [75, 150],
  "Cooling/SecondaryLoop/Tank/LevelSetpoint": [75, 99],
};
const CHILLER_TRIP = 5;
const STATION_DEAD = 8;

const write = (path, number) => ({
  nodeId: twin(path),
  attributeId: AttributeIds.Value,
  value: new DataValue({ value: new Variant({ dataType: DataType.Float, value: number }) }),
});
const writeAll = async (session, nodesToWrite) => names((await transact(session, new WriteRequest({ nodesToWrite }))).results);
const read = (session, path) => session.read(value(twin(path)));
const call = async (session, name, ...inputArguments) => {
  const method = { objectId: twin("Cooling/Commands"), methodId: twin(`Cooling/${name}`), inputArguments };
  return names((await transact(session, new CallRequest({ methodsToCall: [method] }))).results)[0];
};

async function becomes(session, path, wanted, seconds) {
  let shown;
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; await pause(50)) {
    shown = await read(session, path);
    if (wanted(shown)) return shown;
  }
  throw new Error(`${path} still shows ${show(shown)}`);
}

await run({
  the_tree_reads_like_the_plant: () =>
    withSession(async (session) => {
      const below = async (node) => (await session.browse(node)).references.map((one) => one.browseName.name);
      return [await below(twin("Twins")), await below(twin("Cooling")), await below(twin("Cooling/PrimaryLoop/Pump1"))];
    }),

  values_of_all_protocols_change_at_all_scopes: () =>
    withSession(async (session) => {
      const first = {};
      for (const path of Object.keys(READINGS)) first[path] = await becomes(session, path, (v) => v.statusCode.isGood(), 8);
      const still = new Set(Object.keys(READINGS));
      for (const end = Date.now() + 8_000; still.size && Date.now() < end; await pause(200))
        for (const path of still) {
          const now = await read(session, path);
          if (now.sourceTimestamp > first[path].sourceTimestamp) still.delete(path);
        }
      return [...still];
    }),

  anonymous_clients_read_and_never_write: () =>
    withSession((session) => writeAll(session, Object.entries(COMMANDS).map(([path, [good]]) => write(path, good)))),

  devices_obey_and_refuse_over_every_protocol: () =>
    withSession(
      async (session) => {
        const paths = Object.entries(COMMANDS);
        const good = await writeAll(session, paths.map(([path, [number]]) => write(path, number)));
        const bad = await writeAll(session, paths.map(([path, [, number]]) => write(path, number)));
        const speed = await becomes(session, "Cooling/PrimaryLoop/Pump1/Speed", (v) => v.value?.value > 1870, 12);
        return [good, bad, speed.statusCode.name];
      },
      {},
      login("operator"),
    ),

  a_lost_device_is_told_and_comes_back: () =>
    withSession(
      async (session) => {
        const level = "Cooling/SecondaryLoop/Tank/Level";
        const before = (await read(session, level)).value.value;
        const answers = [await call(session, "Inject", new Variant({ dataType: DataType.UInt16, value: STATION_DEAD }))];
        const lost = await becomes(session, level, (v) => !v.statusCode.isGood(), 8);
        const pump = await read(session, "Cooling/PrimaryLoop/Pump1/Speed");
        answers.push(await call(session, "ClearFaults"));
        await becomes(session, level, (v) => v.statusCode.isGood(), 10);
        return { answers, kept: Math.abs(lost.value.value - before) < 5, others: pump.statusCode.name };
      },
      {},
      login("operator"),
    ),

  its_alarms_are_acknowledged_and_shelved: () =>
    withSession(
      async (session) => {
        const alarms = await installAlarmMonitoring(session);
        const tripped = () => alarms.alarms().find((one) => one.getField("conditionName").value === "ChillerTripped");
        await call(session, "Inject", new Variant({ dataType: DataType.UInt16, value: CHILLER_TRIP }));
        await until(() => tripped()?.fields.activeState.id.value);
        const alarm = tripped();
        const answers = [await session.acknowledgeCondition(alarm.conditionId, alarm.eventId, "on my way")];
        await until(() => tripped().fields.ackedState.id.value);
        const shelving = `${twin("Cooling/PrimaryLoop/Chiller/ChillerTripped")}/ShelvingState`;
        const shelve = async (name, ...inputArguments) => {
          const methodId = await session.findMethodId(shelving, name);
          return (await session.call({ objectId: shelving, methodId, inputArguments })).statusCode.name;
        };
        answers.push(await shelve("TimedShelve", new Variant({ dataType: DataType.Double, value: 60_000 })));
        answers.push(await shelve("Unshelve"));
        answers.push(await call(session, "ClearFaults"));
        const message = alarm.fields.message.value.text;
        await uninstallAlarmMonitoring(session);
        return { answers: answers.map(String), message };
      },
      {},
      login("operator"),
    ),
});
