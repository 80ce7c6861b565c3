// Monitored items on events: notifiers, select clauses, every operator of where clauses, queues.
import {
  ContentFilter,
  DataType,
  ElementOperand,
  EventFilter,
  FilterOperator,
  LiteralOperand,
  SimpleAttributeOperand,
  Variant,
  coerceNodeId,
} from "node-opcua-client";
import { AttributeIds, login, names, pause, plant, run, twin, withSession } from "./lib.mjs";
import { Publishing, data, events } from "./publishing.mjs";

const SERVER = "i=2253";
const PUMP = "Cooling/Loop1/Pump1";
const BASE = "i=2041", SYSTEM = "i=2130", AUDIT = "i=2052", WRITE = "i=2100";

const field = (name, typeDefinitionId = BASE, more = {}) =>
  new SimpleAttributeOperand({
    typeDefinitionId,
    browsePath: name.split("/").map((one) => ({ name: one })),
    attributeId: AttributeIds.Value,
    ...more,
  });
const literal = (dataType, content, more = {}) =>
  new LiteralOperand({ value: new Variant({ dataType, value: content, ...more }) });
const number = (content) => literal(DataType.Int32, content);
const text = (content) => literal(DataType.String, content);
const type = (id) => literal(DataType.NodeId, coerceNodeId(id));
const at = (index) => new ElementOperand({ index });
const element = (operator, ...filterOperands) => ({ filterOperator: FilterOperator[operator], filterOperands });

const filter = (selectClauses, ...elements) =>
  new EventFilter({
    selectClauses: selectClauses.map((one) => (typeof one === "string" ? field(one) : one)),
    whereClause: new ContentFilter({ elements }),
  });

const subscribed = (work, more = {}) =>
  withSession(async (session) => {
    const publishing = new Publishing(session);
    await publishing.subscribe({ requestedPublishingInterval: 30, requestedMaxKeepAliveCount: 5, ...more });
    return await work(publishing);
  }, {}, login("admin")); // who may see audit events too

const item = (publishing, node, eventFilter, more = {}) =>
  publishing.item(node, { attributeId: AttributeIds.EventNotifier, filter: eventFilter, queueSize: 100, ...more });

const message = (one) => one?.text ?? one;

// the messages that pass a where clause, of the events: minor (100), major (800), a write (500, AttributeId 13)
async function passed(...elements) {
  return subscribed(async (publishing) => {
    const [result] = (await publishing.monitor([item(publishing, SERVER, filter(["Message"], ...elements))])).results;
    if (!result.statusCode.isGood()) return result.statusCode.name;
    await plant("emit", PUMP, "minor", 100);
    await plant("emit", PUMP, "major", 800);
    await plant("emit_write", "a write", 500, { AttributeId: 13 });
    await pause(60);
    const first = await publishing.publish();
    const second = data(first).length ? first : await publishing.publish();
    return events(second).map(([one]) => message(one));
  });
}

await run({
  events_reach_every_notifier_above: () =>
    subscribed(async (publishing) => {
      const nodes = [SERVER, twin("Twins"), twin("Cooling"), twin("Cooling/Loop1"), twin(PUMP),
        twin(`${PUMP}/DriveEndBearing`), twin("Cooling/Loop1/Tank")];
      const wanted = filter(["Message", "SourceName", "Severity"]);
      const made = await publishing.monitor(nodes.map((node) => item(publishing, node, wanted)));
      await plant("emit", `${PUMP}/Speed`, "too fast", 700);
      const told = await publishing.publish();
      const list = data(told).flatMap((one) => one.events ?? []);
      return {
        made: names(made.results),
        heard: list.map((one) => one.clientHandle).sort(),
        fields: list.map((one) => one.eventFields.map((each) => message(each.value)))[0],
      };
    }),

  the_base_fields_are_filled: () =>
    subscribed(async (publishing) => {
      const wanted = ["EventId", "EventType", "SourceNode", "SourceName", "Time", "ReceiveTime", "Message", "Severity"];
      await publishing.monitor([item(publishing, SERVER, filter(wanted))]);
      await plant("emit", PUMP, "it happened", 300);
      const [fields] = events(await publishing.publish());
      const [id, kind, source, name, time, received, told, severity] = fields;
      return [id.length >= 8, kind.toString(), source.toString(), name, time instanceof Date, received instanceof Date,
        told.text, severity];
    }),

  fields_an_event_does_not_have_are_null: () =>
    subscribed(async (publishing) => {
      const clauses = ["Message", field("AttributeId", WRITE), field("OldValue", WRITE)];
      const [result] = (await publishing.monitor([item(publishing, SERVER, filter(clauses))])).results;
      await plant("emit", PUMP, "plain", 300);
      await plant("emit_write", "write", 300, { AttributeId: 13 });
      const rows = events(await publishing.publish()).map(([one, ...rest]) => [message(one), ...rest]);
      return [result.statusCode.name, rows];
    }),

  a_filter_is_checked_clause_by_clause: () =>
    subscribed(async (publishing) => {
      const good = field("Message");
      const wanted = [
        filter([good, field("Nonsense"), field("Message", "i=58"), field("Message", BASE, { attributeId: 3 })]),
        filter([]),
        filter([good], element("Equals", field("Severity"))),
        filter([good], element("Equals", field("Nonsense"), number(1))),
        filter([good], element("InView", type(BASE))),
        filter([good], element("Not", at(0))),
        filter([good], element("Not", at(9))),
        filter([good], element("RelatedTo", type(BASE), type(BASE), type(BASE), number(1), number(1), number(1))),
      ];
      const { results } = await publishing.monitor(wanted.map((one) => item(publishing, SERVER, one)));
      const codes = (list) => (list ?? []).map((one) => (one.statusCode ?? one).name);
      return results.map((one) => [one.statusCode.name, codes(one.filterResult?.selectClauseResults),
        codes(one.filterResult?.whereClauseResult?.elementResults)]);
    }),

  equals: async () => [await passed(element("Equals", field("Severity"), number(800))), await passed(element("Equals", field("SourceName"), text("Server")))],
  is_null: () => passed(element("IsNull", field("AttributeId", WRITE))),
  greater_and_less: async () => [
    await passed(element("GreaterThan", field("Severity"), number(500))),
    await passed(element("LessThan", field("Severity"), number(500))),
    await passed(element("GreaterThanOrEqual", field("Severity"), number(500))),
    await passed(element("LessThanOrEqual", field("Severity"), number(500))),
  ],
  like: async () => [
    await passed(element("Like", field("Message"), text("m%"))),
    await passed(element("Like", field("Message"), text("m_jor"))),
    await passed(element("Like", field("Message"), text("[a-c]%"))),
    await passed(element("Like", field("Message"), text("[^a-c]%"))),
  ],
  not: async () => [
    await passed(element("Not", at(1)), element("Equals", field("Severity"), number(800))),
    await passed(element("Not", at(1)), element("Equals", field("AttributeId", WRITE), number(13))),
  ],
  between: () => passed(element("Between", field("Severity"), number(100), number(500))),
  in_list: () => passed(element("InList", field("Severity"), number(1), number(100), number(800))),
  and_or: async () => {
    const clauses = [
      element("GreaterThan", field("Severity"), number(400)),
      element("LessThan", field("Severity"), number(600)),
    ];
    return [await passed(element("And", at(1), at(2)), ...clauses), await passed(element("Or", at(1), at(2)), ...clauses)];
  },
  of_type: async () => [
    await passed(element("OfType", type(SYSTEM))),
    await passed(element("OfType", type(AUDIT))),
    await passed(element("OfType", type(BASE))),
  ],
  cast: () => passed(element("Equals", field("Severity"), at(1)), element("Cast", text("800"), type("i=5"))),
  bitwise: async () => [
    await passed(element("Equals", number(13), at(1)), element("BitwiseAnd", field("AttributeId", WRITE), number(15))),
    await passed(element("Equals", number(868), at(1)), element("BitwiseOr", field("Severity"), number(100))),
  ],

  a_full_queue_says_that_events_are_lost: () =>
    subscribed(async (publishing) => {
      const wanted = filter(["EventType", "Message"]);
      await publishing.monitor([
        item(publishing, SERVER, wanted, { queueSize: 2 }),
        item(publishing, SERVER, wanted, { queueSize: 2, discardOldest: false }),
      ]);
      for (let count = 0; count < 5; count++) await plant("emit", PUMP, `event ${count}`, 100);
      const told = await publishing.publish();
      const seen = {};
      for (const one of data(told).flatMap((each) => each.events))
        (seen[one.clientHandle] ??= []).push(
          one.eventFields[0].value.toString() === "ns=0;i=3035" ? "overflow" : one.eventFields[1].value.text,
        );
      return Object.values(seen);
    }, { requestedPublishingInterval: 300 }),

  what_is_no_notifier_is_refused: () =>
    subscribed(async (publishing) => {
      const wanted = filter(["Message"]);
      const nodes = [twin("nothing"), twin("Cooling/Loop1/Tank/Level"), twin(`${PUMP}/Telemetry`)];
      const { results } = await publishing.monitor([
        ...nodes.map((node) => item(publishing, node, wanted)),
        item(publishing, SERVER, null),
      ]);
      return names(results);
    }),
});
