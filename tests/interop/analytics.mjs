// Analytics as an independent client meets it: methods with described arguments, a model's life, jobs as Programs, live scores.
import { CallRequest, DataType, NodeId, Variant, VariantArrayType } from "node-opcua-client";
import { login, names, pause, run, show, transact, twin, until, value, withSession } from "./lib.mjs";

const text = (one = "") => new Variant({ dataType: DataType.String, value: one });
const texts = (...many) => new Variant({ dataType: DataType.String, arrayType: VariantArrayType.Array, value: many });
const number = (one) => new Variant({ dataType: DataType.Double, value: one });
const times = new Variant({ dataType: DataType.DateTime, arrayType: VariantArrayType.Array, value: [] });
const never = new Variant({ dataType: DataType.DateTime, value: null });
const train = (...options) => [text("Anomaly"), texts(), texts("Speed"), never, never, times, texts(...options)];
const features = (set) => [texts(), never, never, number(20), number(0), text(set)];
const read = (session, path) => session.read(value(twin(path)));
const engineer = (work) => withSession(work, {}, login("engineer"));

async function outputsOf(session, path) {
  return (await read(session, `${path}.OutputArguments`)).value.value.map((one) => one.name);
}

async function call(session, path, inputArguments) {
  const objectId = twin(`${path.replace(/\/[^/]*$/, "")}/Analytics`);
  const { results } = await transact(session, new CallRequest({ methodsToCall: [{ objectId, methodId: twin(path), inputArguments }] }));
  return results[0];
}

async function finished(session, path, inputArguments) {
  const answer = await call(session, path, inputArguments);
  const outputs = await outputsOf(session, path);
  const told = Object.fromEntries(outputs.map((name, at) => [name, answer.outputArguments[at].value]));
  if (NodeId.sameNodeId(told.JobId, NodeId.nullNodeId)) return told;
  const job = told.JobId.value;
  await until(async () => (await read(session, `${job}/CurrentState`)).value.value.text === "Halted", 30_000);
  for (const name of outputs.filter((one) => one !== "JobId")) told[name] = (await read(session, `${job}/Result/${name}`)).value.value;
  return told;
}

await run({
  methods_and_variables_stand_under_analytics: () =>
    withSession(async (session) => {
      const browsed = await session.browse(twin("Pump/Analytics"));
      const train = await read(session, "Pump/TrainModel.InputArguments");
      return [browsed.references.map((one) => one.browseName.name), train.value.value.map((one) => [one.name, one.dataType.value, one.valueRank])];
    }),

  a_model_is_trained_activated_and_judges: () =>
    engineer(async (session) => {
      const before = await finished(session, "Pump/DetectAnomalies", [never, never, text()]);
      const trained = await finished(session, "Pump/TrainModel", train("Activate=true"));
      const found = await finished(session, "Pump/DetectAnomalies", [never, never, text()]);
      const states = await read(session, `Pump/Models/${trained.ModelId}/State`);
      await until(async () => (await read(session, "Pump/AnomalyScore")).statusCode.name !== "BadNotConnected");
      return [[before.Valid, before.Reason], trained.State, [found.Valid, found.ModelId], show(states)];
    }),

  rights_are_told: () =>
    withSession(async (session) => {
      const executable = await session.read({ nodeId: twin("Pump/TrainModel"), attributeId: 22 });
      return [executable.value.value, names([await call(session, "Pump/TrainModel", train())])[0]];
    }),

  wrong_arguments_are_named: () =>
    engineer(async (session) => {
      const answer = await call(session, "Pump/TrainModel", [text("Magic"), ...train().slice(1)]);
      return [answer.statusCode.name, names(answer.inputArgumentResults)];
    }),

  a_long_call_is_a_program: () =>
    engineer(async (session) => {
      const begun = Date.now();
      const answer = await call(session, "Pump/ExtractFeatures", features("Comprehensive"));
      const took = Date.now() - begun;
      const job = answer.outputArguments.at(-1).value;
      await until(async () => (await read(session, `${job.value}/CurrentState.Number`)).value.value === 13, 20_000);
      const halt = { objectId: job, methodId: twin(`${job.value}/Halt`), inputArguments: [] };
      const { results } = await transact(session, new CallRequest({ methodsToCall: [halt] }));
      await pause(10);
      return [took < 1_000, names(results), show(await read(session, `${job.value}/CurrentState.Number`)), (await read(session, `${job.value}/Status`)).value.value.name];
    }),
});
