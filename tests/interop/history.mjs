// History: raw, modified, at times, processed, events; changes to it; and how a client finds out what is kept.
import {
  ContentFilter,
  DataType,
  DataValue,
  EventFilter,
  SimpleAttributeOperand,
  TimestampsToReturn,
  Variant,
  coerceNodeId,
} from "node-opcua-client";
import {
  DeleteRawModifiedDetails,
  HistoryReadRequest,
  HistoryUpdateRequest,
  ReadAtTimeDetails,
  ReadEventDetails,
  ReadRawModifiedDetails,
  UpdateDataDetails,
} from "node-opcua-types";
import { AttributeIds, login, names, plant, run, show, transact, twin, value, withSession } from "./lib.mjs";

const TAG = "Cooling/Loop1/Tank/EachDouble", SWITCH = "Cooling/Loop1/Tank/EachBoolean";
const PUMP = "Cooling/Loop1/Pump1";
const AVERAGE = "i=2342", COUNT = "i=2352", PERCENT_GOOD = "i=2362";
const GOOD = 0, BAD = 0x80310000;
const at = (time) => new Date(`2026-01-05T${time.padStart(5, "0")}:00Z`);
const clock = (one) => one.sourceTimestamp.toISOString().slice(11, 19);
const plain = (one) => [clock(one), one.value?.value ?? null, one.statusCode.name];

const ask = async (session, historyReadDetails, node, more = {}) =>
  (await transact(session, new HistoryReadRequest({
    historyReadDetails,
    timestampsToReturn: TimestampsToReturn.Both,
    nodesToRead: [{ nodeId: node, ...more }],
  }))).results[0];
const change = async (session, details) =>
  (await transact(session, new HistoryUpdateRequest({ historyUpdateDetails: [details] }))).results[0];
const update = (performInsertReplace, ...values) =>
  new UpdateDataDetails({
    nodeId: twin(TAG),
    performInsertReplace,
    updateValues: values.map(([time, number]) => new DataValue({
      value: new Variant({ dataType: DataType.Double, value: number }),
      sourceTimestamp: at(time),
    })),
  });

await plant("keep", TAG, [["5:00", 0, GOOD], ["5:02", 2, GOOD], ["5:03", 3, BAD], ["5:04", 4, GOOD], ["5:06", 6, GOOD]]);

await run({
  raw_values_are_drawn_with_their_bounds: () =>
    withSession(async (session) => {
      const forward = await session.readHistoryValue(twin(TAG), at("5:01"), at("5:05"));
      const backward = await session.readHistoryValue(twin(TAG), at("5:05"), at("5:01"), { returnBounds: false });
      const none = await session.readHistoryValue(twin(TAG), at("4:00"), at("4:30"), { returnBounds: false });
      return [forward.historyData.dataValues.map(plain), backward.historyData.dataValues.map(clock), none.statusCode.name];
    }),

  pages_follow_each_other: () =>
    withSession(async (session) => {
      const details = new ReadRawModifiedDetails({
        startTime: at("5:00"), endTime: at("5:10"), numValuesPerNode: 2, returnBounds: false, isReadModified: false,
      });
      const pages = [];
      let continuationPoint;
      do {
        const result = await ask(session, details, twin(TAG), { continuationPoint });
        pages.push(result.historyData.dataValues.map(clock));
        continuationPoint = result.continuationPoint;
      } while (continuationPoint?.length);
      return pages;
    }),

  values_at_times: () =>
    withSession(async (session) => {
      const reqTimes = ["5:01", "5:02", "5:05"].map(at);
      const result = await ask(session, new ReadAtTimeDetails({ reqTimes, useSimpleBounds: true }), twin(TAG));
      return result.historyData.dataValues.map((one) => [clock(one), one.value.value, one.statusCode.value & 0x3ff]);
    }),

  aggregates: () =>
    withSession(async (session) => {
      const one = (node, aggregate, ...interval) =>
        session.readAggregateValue({ nodeId: node }, at("5:00"), at("5:06"), coerceNodeId(aggregate), ...interval);
      const average = await one(twin(TAG), AVERAGE, 120_000);
      const both = await session.readAggregateValue(
        [{ nodeId: twin(TAG) }, { nodeId: twin(TAG) }], at("5:00"), at("5:06"), [COUNT, PERCENT_GOOD].map((id) => coerceNodeId(id)), 0,
      );
      return {
        average: average.historyData.dataValues.map((each) => [clock(each), each.value.value]),
        both: both.map((each) => each.historyData.dataValues[0].value.value),
        unknown: (await one(twin(TAG), "i=2341999", 0)).statusCode.name,
        text: (await one(twin(PUMP), AVERAGE, 0)).statusCode.name,
      };
    }),

  engineers_change_the_past: () =>
    withSession(
      async (session) => {
        const [INSERT, REPLACE] = [1, 2];
        const seen = [];
        for (const details of [
          update(INSERT, ["7:00", 1], ["7:01", 2]),
          update(INSERT, ["7:00", 9]),
          update(REPLACE, ["7:00", 5], ["7:09", 9]),
        ])
          seen.push(names((await change(session, details)).operationResults));
        const all = { startTime: at("7:00"), endTime: at("7:10"), numValuesPerNode: 0, returnBounds: false };
        const old = await ask(session, new ReadRawModifiedDetails({ ...all, isReadModified: true }), twin(TAG));
        const infos = old.historyData.modificationInfos;
        const range = { nodeId: twin(TAG), isDeleteModified: false, startTime: at("7:00"), endTime: at("7:01") };
        const deleted = (await change(session, new DeleteRawModifiedDetails(range))).statusCode.name;
        const left = await ask(session, new ReadRawModifiedDetails({ ...all, isReadModified: false }), twin(TAG));
        return {
          seen,
          old: old.historyData.dataValues.map((one, index) => [one.value.value, infos[index].updateType, infos[index].userName]),
          deleted,
          left: left.historyData.dataValues.map((one) => [clock(one), one.value.value]),
        };
      },
      {},
      login("engineer"),
    ),

  others_do_not: () => withSession(async (session) => (await change(session, update(1, ["8:00", 1]))).statusCode.name),

  past_events: () =>
    withSession(async (session) => {
      for (const message of ["one", "two"]) await plant("emit", PUMP, `past ${message}`, 300);
      const field = (name) => new SimpleAttributeOperand({
        typeDefinitionId: "i=2041", browsePath: [{ name }], attributeId: AttributeIds.Value,
      });
      const filter = new EventFilter({
        selectClauses: ["Message", "SourceName"].map(field), whereClause: new ContentFilter({ elements: [] }),
      });
      const details = new ReadEventDetails({
        numValuesPerNode: 2, startTime: new Date(0), endTime: new Date(Date.now() + 60_000), filter,
      });
      const times = { startTime: details.endTime, endTime: details.startTime };
      const result = await ask(session, new ReadEventDetails({ numValuesPerNode: 2, filter, ...times }), twin(PUMP));
      return result.historyData.events.map((one) => one.eventFields.map((each) => each.value?.text ?? each.value));
    }),

  what_is_kept_is_found_by_browsing: () =>
    withSession(async (session) => {
      const [node] = (await session.browse({
        nodeId: twin(TAG), referenceTypeId: "HasHistoricalConfiguration", browseDirection: 0, resultMask: 63,
      })).references;
      const below = async (nodeId) => (await session.browse({
        nodeId, referenceTypeId: "HierarchicalReferences", includeSubtypes: true, browseDirection: 0, resultMask: 63,
      })).references;
      const parts = await below(node.nodeId);
      const part = (name) => parts.find((one) => one.browseName.name === name);
      const functions = await below(part("AggregateFunctions").nodeId);
      const bits = [AttributeIds.AccessLevel, AttributeIds.UserAccessLevel, AttributeIds.Historizing];
      const shown = await session.read(bits.map((attributeId) => ({ nodeId: twin(TAG), attributeId })));
      return {
        name: node.browseName.name,
        parts: parts.map((one) => one.browseName.name).sort(),
        stepped: [TAG, SWITCH].map((tag) => twin(`${tag}.HA Configuration.Stepped`)),
        values: await Promise.all([TAG, SWITCH].map(async (tag) => show(await session.read(value(twin(`${tag}.HA Configuration.Stepped`))))[1])),
        functions: functions.length,
        average: functions.some((one) => one.nodeId.toString() === `ns=0;${AVERAGE}`),
        bits: shown.map((one) => one.value.value),
      };
    }),

  capabilities_are_told: () =>
    withSession(async (session) => {
      const read = async (id) => show(await session.read(value(`i=${id}`)))[1];
      const functions = (await session.browse("i=11201")).references.map((one) => one.browseName.name);
      return [await read(11193), await read(11242), await read(11196), await read(11281), await read(11273), functions.length];
    }),
});
