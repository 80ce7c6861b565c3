// Alarms & Conditions with node-opcua's own alarm client: monitoring, refresh, acknowledge, confirm, comment, shelving.
import {
  AttributeIds,
  DataType,
  TimestampsToReturn,
  Variant,
  acknowledgeAllConditions,
  callConditionRefresh,
  constructEventFilter,
  extractConditionFields,
  fieldsToJson,
  findActiveConditions,
  installAlarmMonitoring,
  ofType,
  uninstallAlarmMonitoring,
} from "node-opcua-client";
import { login, names, plant, run, twin, until, withSession } from "./lib.mjs";

const TANK = "Cooling/Loop1/Tank", LEVEL = `${TANK}/LevelLimits`, TRIP = "Cooling/Loop1/Pump1/Tripped";
const HIGH = 4, HIGH_HIGH = 8, ACTIVE = 16;

const operating = (work) => withSession(work, {}, login("operator"));
const watched = (work) =>
  operating(async (session) => {
    const alarms = await installAlarmMonitoring(session);
    try {
      return await work(session, alarms);
    } finally {
      await uninstallAlarmMonitoring(session);
      await plant("clear_alarms");
    }
  });
const named = (alarms, name) => alarms.alarms().find((one) => one.getField("conditionName").value === name);
const shown = (alarm) => ({
  active: alarm.fields.activeState.id.value,
  acked: alarm.fields.ackedState.id.value,
  confirmed: alarm.fields.confirmedState?.id?.value ?? null,
  retain: alarm.getRetain(),
  severity: alarm.fields.severity.value,
  message: alarm.fields.message.value.text,
  effective: alarm.fields.activeState.effectiveDisplayName.value.text,
  comment: alarm.fields.comment.value?.text ?? null,
  user: alarm.fields.clientUserId.value,
  shelved: alarm.fields.suppressedOrShelved.value,
});
const call = async (session, objectId, methodId, ...inputArguments) =>
  (await session.call({ objectId, methodId, inputArguments })).statusCode.name;

await run({
  an_alarm_appears_in_the_alarm_list: () =>
    watched(async (session, alarms) => {
      await plant("find", LEVEL, HIGH, 91.5);
      await until(() => named(alarms, "LevelLimits"));
      const first = shown(named(alarms, "LevelLimits"));
      await plant("find", LEVEL, HIGH_HIGH, 97);
      await until(() => named(alarms, "LevelLimits").fields.severity.value === 800);
      return [first, shown(named(alarms, "LevelLimits")), named(alarms, "LevelLimits").conditionId.toString()];
    }),

  an_alarm_list_that_comes_later_is_filled_by_a_refresh: async () => {
    await plant("find", LEVEL, HIGH, 91.5);
    await plant("find", TRIP, ACTIVE, 0);
    return await watched(async (session, alarms) => {
      await until(() => alarms.length === 2);
      return alarms.alarms().map((one) => one.getField("conditionName").value).sort();
    });
  },

  an_operator_acknowledges_confirms_and_comments: () =>
    watched(async (session, alarms) => {
      await plant("find", LEVEL, HIGH, 91.5);
      await until(() => named(alarms, "LevelLimits"));
      const alarm = named(alarms, "LevelLimits");
      const codes = [await session.acknowledgeCondition(alarm.conditionId, alarm.eventId, "seen it")];
      await until(() => alarm.fields.ackedState.id.value);
      const acked = shown(alarm);
      codes.push(await session.acknowledgeCondition(alarm.conditionId, alarm.eventId, "again"));
      codes.push(await session.addCommentCondition(alarm.conditionId, alarm.eventId, "valve opened"));
      await until(() => alarm.fields.comment.value.text === "valve opened");
      await plant("find", LEVEL, 0, 50);
      await until(() => !alarm.fields.activeState.id.value);
      codes.push(await session.confirmCondition(alarm.conditionId, alarm.eventId, "done"));
      await until(() => !alarm.getRetain());
      return [names(codes), acked, shown(alarm)];
    }),

  an_operator_shelves_and_unshelves: () =>
    watched(async (session, alarms) => {
      await plant("find", TRIP, ACTIVE, 0);
      await until(() => named(alarms, "Tripped"));
      const shelving = `${twin(TRIP)}/ShelvingState`;
      const timed = await session.findMethodId(shelving, "TimedShelve");
      const minute = new Variant({ dataType: DataType.Double, value: 60_000 });
      const codes = [await call(session, shelving, timed, minute)];
      await until(() => named(alarms, "Tripped").fields.suppressedOrShelved.value);
      const state = named(alarms, "Tripped").fields.shelvingState;
      const left = (await session.read({ nodeId: `${shelving}.UnshelveTime`, attributeId: AttributeIds.Value })).value;
      codes.push(await call(session, shelving, timed, minute));
      const unshelve = await session.findMethodId(shelving, "Unshelve");
      codes.push(await call(session, shelving, unshelve), await call(session, shelving, unshelve));
      return [codes, state.currentState.value.text, left.value > 50_000 && left.value <= 60_000];
    }),

  all_that_waits_is_acknowledged_at_once: async () => {
    await plant("find", LEVEL, HIGH, 91.5);
    await plant("find", TRIP, ACTIVE, 0);
    return await operating(async (session) => {
      const before = await findActiveConditions(session);
      await acknowledgeAllConditions(session, "all seen");
      const after = await findActiveConditions(session);
      await plant("clear_alarms");
      const acked = (list) => list.map((one) => one.ackedState.id.value);
      return [acked(before), acked(after)];
    });
  },

  a_refresh_starts_and_ends_whatever_the_filter_is: () =>
    operating(async (session) => {
      await plant("find", TRIP, ACTIVE, 0);
      const subscription = await session.createSubscription2({ requestedPublishingInterval: 50, publishingEnabled: true });
      const fields = await extractConditionFields(session, "OffNormalAlarmType");
      const filter = constructEventFilter(fields, ofType("ExclusiveLevelAlarmType"));
      const item = await subscription.monitor(
        { nodeId: "i=2253", attributeId: AttributeIds.EventNotifier },
        { filter, queueSize: 100, discardOldest: true, samplingInterval: 0 },
        TimestampsToReturn.Both,
      );
      const kinds = [];
      item.on("changed", (values) => kinds.push(fieldsToJson(fields, values).eventType.value.toString()));
      const status = await callConditionRefresh(session, subscription.subscriptionId);
      await until(() => kinds.length === 2);
      await subscription.terminate();
      await plant("clear_alarms");
      return [status.name, kinds];
    }),
});
