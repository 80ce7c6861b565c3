// A scenario as an independent client makes it, commands it and removes it.
import { DataType, Variant, VariantArrayType } from "node-opcua-client";
import { AttributeIds, login, run, told, twin, until, value, withSession } from "./lib.mjs";

const text = (one = "") => new Variant({ dataType: DataType.String, value: one });
const number = (one) => new Variant({ dataType: DataType.Double, value: one });
const array = (dataType, ...many) => new Variant({ dataType, arrayType: VariantArrayType.Array, value: many });
const operator = (work) => () => withSession(work, {}, login("operator"));
const call = (session, name, ...inputArguments) =>
  session.call({ objectId: twin("Scenarios"), methodId: twin(`Scenarios/${name}`), inputArguments });
const wish = (name, speed = 60) => [text("Hall"), text(name), array(DataType.String), array(DataType.Double), number(speed), number(0)];

await run({
  a_copy_is_made_commanded_watched_and_removed: operator(async (session) => {
    const made = await call(session, "CreateScenario", ...wish("Node"));
    const [id, node, models, reason] = made.outputArguments.map((one) => one.value);
    const read = async (path) => (await session.read(value(twin(`Scenarios/Node/${path}`)))).value.value;
    const before = await read("Hall/Pump/Power");
    const written = await session.write({
      nodeId: twin("Scenarios/Node/Hall/Pump/SpeedSetpoint"),
      attributeId: AttributeIds.Value,
      value: { value: new Variant({ dataType: DataType.Float, value: 1200 }) },
    });
    await until(async () => (await read("Hall/Pump/Power")) < 0.5 * before);
    const plant = (await session.read(value(twin("Hall/Pump/Power")))).value.value;
    const seen = (await session.browse(twin("Scenarios/Node/Hall"))).references.map((one) => one.browseName.name);
    const removed = await call(session, "DeleteScenario", text("Node"));
    const gone = (await session.read(value(twin("Scenarios/Node/Hall/Pump/Power")))).statusCode.name;
    return { id, node: node.value, models: models.length, reason, written: written.name, plant, seen, removed: removed.statusCode.name, gone };
  }),

  what_is_wrong_is_named: operator(async (session) => {
    const said = [];
    for (const inputs of [wish("a/b"), wish("", -1), wish("", 1e9)]) {
      const answer = await call(session, "CreateScenario", ...inputs);
      said.push([answer.statusCode.name, answer.inputArgumentResults.map((one) => one.name).find((one) => one !== "Good")]);
    }
    return said;
  }),

  who_may_not_is_refused: () =>
    withSession(async (session) => (await call(session, "CreateScenario", ...wish(""))).statusCode.name, {}, login("viewer")),
});
