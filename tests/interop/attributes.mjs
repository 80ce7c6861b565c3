// The Attribute Service Set: Read and Write; and history of what is not kept.
import { DataType, ReadRequest, TimestampsToReturn, Variant, VariantArrayType, WriteRequest } from "node-opcua-client";
import { HistoryReadRequest, HistoryUpdateRequest, ReadRawModifiedDetails } from "node-opcua-types";
import { AttributeIds, login, names, plant, run, show, transact, twin, value, withSession } from "./lib.mjs";

const TANK = "Cooling/Loop1/Tank";
const LEVEL = twin(`${TANK}/Level`);
const RUN = twin("Cooling/Loop1/Pump1/Run");
const NAMESPACES = "i=2255";

const read = (session, nodesToRead, more = {}) =>
  transact(session, new ReadRequest({ nodesToRead, timestampsToReturn: 2, maxAge: 0, ...more }));
const write = (session, nodesToWrite) => transact(session, new WriteRequest({ nodesToWrite }));
const written = (nodeId, dataType, content, more = {}) => ({
  nodeId,
  attributeId: AttributeIds.Value,
  value: { value: new Variant({ dataType, value: content, ...more.variant }), ...more.value },
  ...more.item,
});

async function attributesOf(session, nodeId) {
  const ids = Object.values(AttributeIds).filter((one) => typeof one === "number" && one > 0 && one < 28);
  const results = (await read(session, ids.map((attributeId) => ({ nodeId, attributeId })))).results;
  const known = ids.filter((_, at) => results[at].statusCode.isGood());
  const odd = results.map((one) => one.statusCode.name).filter((name) => !/^Good$|^BadAttributeIdInvalid$/.test(name));
  return { known: known.map((one) => AttributeIds[one]), odd };
}

await run({
  every_node_class_has_its_attributes: async () => {
    await plant("set", `${TANK}/Level`, 1);
    return withSession(async (session) => ({
      object: await attributesOf(session, twin("Cooling")),
      variable: await attributesOf(session, LEVEL),
      method: await attributesOf(session, twin("Cooling/Loop1/Pump1/Mean")),
      objectType: await attributesOf(session, "i=58"),
      variableType: await attributesOf(session, "i=62"),
      referenceType: await attributesOf(session, "i=33"),
      dataType: await attributesOf(session, "i=868"),
    }));
  },

  values_come_with_the_timestamps_asked_for: async () => {
    await plant("set", `${TANK}/Level`, 33.5);
    return withSession(async (session) => {
      const seen = {};
      for (const [name, timestampsToReturn] of [["Source", 0], ["Server", 1], ["Both", 2], ["Neither", 3]]) {
        const one = (await read(session, [value(LEVEL)], { timestampsToReturn })).results[0];
        seen[name] = [one.value.value, !!one.sourceTimestamp, !!one.serverTimestamp];
      }
      return seen;
    });
  },

  every_data_type_is_understood: () =>
    withSession(async (session) => {
      const kinds = "Boolean SByte Byte Int16 UInt16 Int32 UInt32 Int64 UInt64 Float Double String DateTime ByteString";
      const types = await session.read(
        kinds.split(" ").map((kind) => ({ nodeId: twin(`${TANK}/Each${kind}`), attributeId: AttributeIds.DataType })),
      );
      return types.map((one) => DataType[one.value.value.value]);
    }),

  requests_that_are_wrong_as_a_whole_are_faults: () =>
    withSession(async (session) => [
      (await read(session, [])).fault,
      (await read(session, [value(LEVEL)], { maxAge: -1 })).fault,
      (await read(session, Array(10_001).fill(value(LEVEL)))).fault,
      (await write(session, [])).fault,
    ]),

  each_item_read_has_its_own_status: () =>
    withSession(async (session) => {
      const items = [
        value(LEVEL),
        value(twin("nothing")),
        { nodeId: LEVEL, attributeId: 999 },
        value(twin("Cooling")),
        { ...value(LEVEL), indexRange: "1:2" },
        { ...value(LEVEL), indexRange: "2:1" },
        { ...value(LEVEL), dataEncoding: { name: "Default Binary" } },
        { ...value("i=2256"), dataEncoding: { name: "Default Binary" } },
        { ...value("i=2256"), dataEncoding: { name: "Default XML" } },
        { ...value("i=2256"), dataEncoding: { name: "nonsense" } },
        { nodeId: LEVEL, attributeId: AttributeIds.DisplayName, dataEncoding: { name: "Default Binary" } },
      ];
      return names((await read(session, items)).results);
    }),

  an_index_range_cuts_arrays_and_text: () =>
    withSession(async (session) => {
      const ask = async (nodeId, indexRange) => {
        const one = (await read(session, [{ ...value(nodeId), indexRange }])).results[0];
        return [one.statusCode.name, one.value?.value ?? null];
      };
      return [
        await ask(NAMESPACES, "0"),
        await ask(NAMESPACES, "1:99"),
        await ask(NAMESPACES, "99"),
        await ask("i=2261", "0:2"),
        await ask(NAMESPACES, "0:1,0:1"),
      ];
    }),

  the_namespace_array_is_whole: () =>
    withSession(async (session) => (await session.read(value(NAMESPACES))).value.value),

  user_attributes_tell_what_the_user_may: async () => {
    const ask = (user) =>
      withSession(
        async (session) => {
          const item = (nodeId, attributeId) => ({ nodeId, attributeId });
          const results = await session.read([
            item(RUN, AttributeIds.AccessLevel),
            item(RUN, AttributeIds.UserAccessLevel),
            item(twin("Cooling/Loop1/Pump1/Start"), AttributeIds.UserExecutable),
            item(twin("Cooling/Loop1/Pump1/Mean"), AttributeIds.UserExecutable),
          ]);
          return results.map((one) => one.value.value);
        },
        {},
        user,
      );
    return { anonymous: await ask(undefined), operator: await ask(login("operator")) };
  },

  each_item_written_has_its_own_status: () =>
    withSession(
      async (session) => {
        const response = await write(session, [
          written(RUN, DataType.Boolean, true),
          written(RUN, DataType.Double, 1),
          written(RUN, DataType.Boolean, [true], { variant: { arrayType: VariantArrayType.Array } }),
          written(LEVEL, DataType.Double, 1),
          written(twin("nothing"), DataType.Double, 1),
          written(twin("Cooling"), DataType.Double, 1),
          { ...written(RUN, DataType.Boolean, true), indexRange: "0" },
          written(RUN, DataType.Boolean, true, { value: { serverTimestamp: new Date() } }),
          { ...written(RUN, DataType.LocalizedText, { text: "x" }), attributeId: AttributeIds.DisplayName },
        ]);
        return { statuses: names(response.results), commands: (await plant("commands")).slice(-1) };
      },
      {},
      login("operator"),
    ),

  a_refused_write_is_told_in_words_where_asked_for: () =>
    withSession(
      async (session) => {
        const nodesToWrite = [written(RUN, DataType.Boolean, true), written(RUN, DataType.Double, 1)];
        const words = [];
        for (const returnDiagnostics of [0x80, 0]) {
          const response = await transact(session, new WriteRequest({ requestHeader: { returnDiagnostics }, nodesToWrite }));
          words.push((response.diagnosticInfos ?? []).map((one) => one.additionalInfo ?? null));
        }
        return words;
      },
      {},
      login("operator"),
    ),

  who_may_only_look_cannot_write: async () => {
    const ask = (user) =>
      withSession(
        async (session) => names((await write(session, [written(RUN, DataType.Boolean, true)])).results),
        {},
        user,
      );
    return [await ask(undefined), await ask(login("viewer"))];
  },

  a_write_that_waits_for_its_device_delays_no_read: () =>
    withSession(
      async (session) => {
        await plant("hold");
        let done = false;
        const slow = write(session, [written(RUN, DataType.Boolean, false)]).then((one) => {
          done = true;
          return one;
        });
        const one = await session.read(value("i=2258"));
        const before = done;
        await plant("release");
        return { read: one.statusCode.name, before, written: names((await slow).results) };
      },
      {},
      login("operator"),
    ),

  history_of_what_is_not_kept_is_refused_node_by_node: () =>
    withSession(async (session) => {
      const historyReadDetails = new ReadRawModifiedDetails({ startTime: new Date(), numValuesPerNode: 1 });
      const ask = (nodes) =>
        transact(
          session,
          new HistoryReadRequest({
            historyReadDetails,
            timestampsToReturn: TimestampsToReturn.Both,
            nodesToRead: nodes.map((nodeId) => ({ nodeId })),
          }),
        );
      return {
        statuses: names((await ask([LEVEL, twin("nothing")])).results),
        nothing: (await ask([])).fault,
        update: (await transact(session, new HistoryUpdateRequest({ historyUpdateDetails: [] }))).fault,
      };
    }),
});
