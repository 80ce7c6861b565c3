// The MonitoredItem Service Set on data.
import {
  CreateMonitoredItemsRequest,
  DataChangeFilter,
  DeleteMonitoredItemsRequest,
  EventFilter,
  AggregateFilter,
  ModifyMonitoredItemsRequest,
  SetMonitoringModeRequest,
  SetTriggeringRequest,
} from "node-opcua-client";
import { AttributeIds, names, pause, plant, queuedMs, run, transact, twin, withSession } from "./lib.mjs";
import { Publishing, changes, data, statuses, values } from "./publishing.mjs";

const TANK = "Cooling/Loop1/Tank";
const LEVEL = `${TANK}/Level`;
const HEALTH = "Cooling/Loop1/Pump1/HealthScore";
const OTHER = `${TANK}/EachDouble`;
const NONE = 0, ABSOLUTE = 1, PERCENT = 2;
const STATUS = 0, STATUS_VALUE = 1, STATUS_VALUE_TIMESTAMP = 2;
const UNCERTAIN = 0x40000000, BAD = 0x80000000;
const DISABLED = 0, SAMPLING = 1, REPORTING = 2;

const filter = (trigger, deadbandType = NONE, deadbandValue = 0) =>
  new DataChangeFilter({ trigger, deadbandType, deadbandValue });

const subscribed = (work, more = {}) =>
  withSession(async (session) => {
    const publishing = new Publishing(session);
    await publishing.subscribe(more);
    return await work(publishing, session);
  });

// sets the values one after the other, with a sampling in between
async function steps(path, ...list) {
  for (const one of list) {
    await plant("set", path, ...[one].flat());
    await pause(25);
  }
}

await run({
  each_item_has_its_own_status: () =>
    subscribed(async (publishing) => {
      const item = (path, more) => publishing.item(path.startsWith("i=") ? path : twin(path), more);
      const response = await publishing.monitor([
        item(LEVEL),
        item("nothing"),
        item("Cooling"),
        item(LEVEL, { attributeId: 999 }),
        item(LEVEL, { filter: filter(STATUS_VALUE, ABSOLUTE, -1) }),
        item(LEVEL, { filter: filter(STATUS_VALUE, PERCENT, 101) }),
        item(OTHER, { filter: filter(STATUS_VALUE, PERCENT, 1) }),
        item(`${TANK}/EachString`, { filter: filter(STATUS_VALUE, ABSOLUTE, 1) }),
        item(LEVEL, { attributeId: AttributeIds.DisplayName, filter: filter(STATUS_VALUE, ABSOLUTE, 1) }),
        item(LEVEL, { filter: new EventFilter({}) }),
        item(LEVEL, { filter: new AggregateFilter({}) }),
        item(LEVEL, { indexRange: "2:1" }),
      ]);
      return names(response.results);
    }),

  requests_that_are_wrong_as_a_whole_are_faults: () =>
    subscribed(async (publishing, session) => {
      const one = publishing.item(twin(LEVEL));
      const id = { subscriptionId: publishing.id };
      return [
        (await publishing.monitor([])).fault,
        (await publishing.monitor([one], { subscriptionId: 999_999 })).fault,
        (await transact(session, new SetMonitoringModeRequest({ ...id, monitoredItemIds: [] }))).fault,
        (await transact(session, new SetTriggeringRequest({ ...id, triggeringItemId: 1 }))).fault,
        (await transact(session, new DeleteMonitoredItemsRequest({ ...id, monitoredItemIds: [] }))).fault,
        (await transact(session, new ModifyMonitoredItemsRequest({ ...id, itemsToModify: [] }))).fault,
      ];
    }),

  intervals_and_queues_are_revised: () =>
    subscribed(
      async (publishing) => {
        const ask = (samplingInterval, queueSize) => publishing.item(twin(LEVEL), { samplingInterval, queueSize });
        const response = await publishing.monitor([ask(-1, 0), ask(0, 1), ask(123, 10), ask(1e12, 1e6)]);
        return response.results.map((one) => [one.revisedSamplingInterval, one.revisedQueueSize]);
      },
      { requestedPublishingInterval: 500 },
    ),

  a_deadband_holds_against_the_last_reported_value: () =>
    subscribed(async (publishing) => {
      await plant("set", LEVEL, 10);
      await publishing.monitor([publishing.item(twin(LEVEL), { queueSize: 100, filter: filter(STATUS_VALUE, ABSOLUTE, 2) })]);
      await steps(LEVEL, 11, 12, 12.1, 13, 10.2, 10);
      await pause(80);
      return values(await publishing.publish());
    }, { requestedPublishingInterval: 250 }),

  a_percent_deadband_is_of_the_eu_range: () =>
    subscribed(async (publishing) => {
      await plant("set", LEVEL, 10);
      await publishing.monitor([publishing.item(twin(LEVEL), { queueSize: 100, filter: filter(STATUS_VALUE, PERCENT, 5) })]);
      await steps(LEVEL, 14.9, 15, 15.1, 19, 20.2);
      await pause(80);
      return values(await publishing.publish());
    }, { requestedPublishingInterval: 250 }),

  the_trigger_decides_what_is_a_change: () =>
    subscribed(async (publishing) => {
      await plant("set", LEVEL, 1);
      const ask = (trigger) => publishing.item(twin(LEVEL), { queueSize: 100, filter: filter(trigger) });
      await publishing.monitor([ask(STATUS), ask(STATUS_VALUE), ask(STATUS_VALUE_TIMESTAMP)]);
      await steps(LEVEL, 1, 2, [2, UNCERTAIN], [2, BAD], 2);
      await pause(80);
      const seen = {};
      for (const [handle, one] of changes(await publishing.publish()))
        (seen[handle] ??= []).push(`${one.value?.value ?? "-"} ${one.statusCode.name}`);
      return Object.values(seen);
    }, { requestedPublishingInterval: 300 }),

  a_full_queue_loses_by_its_policy_and_says_so: () =>
    subscribed(async (publishing) => {
      await plant("set", LEVEL, 0);
      const ask = (queueSize, discardOldest) => publishing.item(twin(LEVEL), { queueSize, discardOldest });
      await publishing.monitor([ask(3, true), ask(3, false), ask(1, true)]);
      await steps(LEVEL, 1, 2, 3, 4, 5);
      await pause(80);
      const seen = {};
      for (const [handle, one] of changes(await publishing.publish()))
        (seen[handle] ??= []).push([one.value.value, (one.statusCode.value & 0x480) === 0x480]);
      return Object.values(seen);
    }, { requestedPublishingInterval: 300 }),

  monitoring_modes: () =>
    subscribed(async (publishing, session) => {
      await plant("set", LEVEL, 1);
      const ask = (mode) => publishing.item(twin(LEVEL), { mode, queueSize: 10 });
      const { results } = await publishing.monitor([ask(DISABLED), ask(SAMPLING), ask(REPORTING)]);
      const first = changes(await publishing.publish()).map(([handle]) => handle);
      const mode = async (monitoringMode, ids) =>
        names((await transact(session, new SetMonitoringModeRequest({ subscriptionId: publishing.id, monitoringMode,
          monitoredItemIds: ids }))).results);
      const [disabled, sampling, reporting] = results.map((one) => one.monitoredItemId);
      const set = [await mode(DISABLED, [reporting, 999]), await mode(REPORTING, [sampling, disabled])];
      await plant("set", LEVEL, 2);
      await pause(80);
      const second = changes(await publishing.publish()).map(([handle, one]) => [handle, one.value.value]);
      return { first, set, second };
    }, { requestedPublishingInterval: 150 }),

  a_triggered_item_reports_when_its_trigger_does: () =>
    subscribed(async (publishing, session) => {
      await plant("set", LEVEL, 1);
      await plant("set", HEALTH, 50);
      const { results } = await publishing.monitor([
        publishing.item(twin(LEVEL)),
        publishing.item(twin(HEALTH), { mode: SAMPLING }),
      ]);
      const [trigger, triggered] = results.map((one) => one.monitoredItemId);
      const link = (more, triggeringItemId = trigger) =>
        transact(session, new SetTriggeringRequest({ subscriptionId: publishing.id, triggeringItemId, ...more }));
      await publishing.publish();
      const added = await link({ linksToAdd: [triggered, 999] });
      await plant("set", LEVEL, 2);
      const both = values(await publishing.publish());
      const removed = await link({ linksToRemove: [triggered, 998] });
      await plant("set", HEALTH, 60);
      await pause(50);
      await plant("set", LEVEL, 3);
      const one = values(await publishing.publish());
      return {
        added: names(added.addResults),
        both,
        removed: names(removed.removeResults),
        one,
        unknown: (await link({ linksToAdd: [triggered] }, 999)).fault,
      };
    }, { requestedPublishingInterval: 100 }),

  a_modified_item_takes_its_new_settings: () =>
    subscribed(async (publishing, session) => {
      await plant("set", LEVEL, 1);
      const { results } = await publishing.monitor([publishing.item(twin(LEVEL))]);
      await publishing.publish();
      const modify = (monitoredItemId, more) =>
        transact(session, new ModifyMonitoredItemsRequest({ subscriptionId: publishing.id, timestampsToReturn: 3,
          itemsToModify: [{ monitoredItemId, requestedParameters: {
            clientHandle: 42, samplingInterval: 20, queueSize: 5, discardOldest: false, ...more } }] }));
      const id = results[0].monitoredItemId;
      const [modified] = (await modify(id, { filter: filter(STATUS_VALUE, ABSOLUTE, 5) })).results;
      await steps(LEVEL, 3, 7);
      await pause(50);
      const [[handle, told]] = changes(await publishing.publish());
      return {
        revised: [modified.revisedSamplingInterval, modified.revisedQueueSize],
        told: [handle, told.value.value, !!told.sourceTimestamp, !!told.serverTimestamp],
        unknown: names((await modify(999, {})).results),
        wrong: names((await modify(id, { filter: filter(STATUS_VALUE, ABSOLUTE, -5) })).results),
      };
    }),

  deleted_items_say_nothing_more: () =>
    subscribed(async (publishing, session) => {
      await plant("set", LEVEL, 1);
      const { results } = await publishing.monitor([publishing.item(twin(LEVEL))]);
      await publishing.publish();
      const monitoredItemIds = [results[0].monitoredItemId, 999];
      const request = new DeleteMonitoredItemsRequest({ subscriptionId: publishing.id, monitoredItemIds });
      const deleted = names((await transact(session, request)).results);
      await plant("set", LEVEL, 2);
      return [deleted, data(await publishing.publish()).length];
    }, { requestedMaxKeepAliveCount: 3 }),

  several_attributes_of_one_node_are_monitored: () =>
    subscribed(async (publishing) => {
      await plant("set", LEVEL, 1);
      const attributes = [AttributeIds.Value, AttributeIds.DisplayName, AttributeIds.AccessLevel, AttributeIds.NodeClass];
      await publishing.monitor(attributes.map((attributeId) => publishing.item(twin(LEVEL), { attributeId })));
      const told = new Map(changes(await publishing.publish()).map(([handle, one]) => [handle, one.value.value]));
      return [told.get(1), told.get(2).text, told.get(3), told.get(4)];
    }),

  what_cannot_be_read_now_is_told_in_the_notification: () =>
    subscribed(async (publishing) => {
      const response = await publishing.monitor([
        publishing.item("i=3708"),
        publishing.item("i=2255", { indexRange: "50" }),
        publishing.item("i=2255", { indexRange: "0" }),
      ]);
      return [names(response.results), statuses(await publishing.publish())];
    }),

  a_bad_value_is_null_and_keeps_its_status: () =>
    subscribed(async (publishing) => {
      await plant("set", LEVEL, 5, 0x800a0000);
      await publishing.monitor([publishing.item(twin(LEVEL))]);
      const [[, told]] = changes(await publishing.publish());
      await plant("set", LEVEL, 5);
      return [told.value?.value ?? null, told.statusCode.name, !!told.sourceTimestamp];
    }),

  fifty_thousand_items_are_made_in_calls_of_a_thousand: () =>
    withSession(async (session) => {
      await plant("set", LEVEL, 1);
      const publishing = new Publishing(session);
      await publishing.subscribe({ requestedPublishingInterval: 1_000 });
      let good = 0;
      const requests = Array.from({ length: 50 }, () => new CreateMonitoredItemsRequest({
        subscriptionId: publishing.id, timestampsToReturn: 2,
        itemsToCreate: Array.from({ length: 1_000 }, () => publishing.item(twin(LEVEL), { samplingInterval: 1_000 })),
      }));
      const start = Date.now(), queued = queuedMs() + (await plant("queued_ms"));
      for (const request of requests)
        good += (await transact(session, request)).results.filter((one) => one.statusCode.isGood()).length;
      const took = Date.now() - start - (queuedMs() + (await plant("queued_ms")) - queued);
      const handles = new Set();
      for (let more = true; more; ) {
        const one = await publishing.publish();
        for (const [handle] of changes(one)) handles.add(handle);
        more = one.moreNotifications || handles.size < 50_000;
      }
      return { good, took, told: handles.size };
    }),
});
