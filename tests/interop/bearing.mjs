// The running demo, made fast, and one of its bearings: baseline, damage, detection, explanation, remaining life.
import { DataType, Variant, VariantArrayType } from "node-opcua-client";
import { login, pause, run, told, twin, value, withSession } from "./lib.mjs";

const PUMP = "Cooling/PrimaryLoop/Pump2";
const BEARING = "DriveEndBearing";
const SIGNALS = ["DriveEndBearing", "NonDriveEndBearing"].flatMap((one) =>
  ["Vibration", "PeakVibration", "Kurtosis", "Temperature"].map((name) => `${one}/${name}`),
);
const HALTED = 11;

const text = (one = "") => new Variant({ dataType: DataType.String, value: one });
const texts = (...many) => new Variant({ dataType: DataType.String, arrayType: VariantArrayType.Array, value: many });
const number = (one) => new Variant({ dataType: DataType.Double, value: one });
const open = new Variant({ dataType: DataType.DateTime, value: null });
const times = new Variant({ dataType: DataType.DateTime, arrayType: VariantArrayType.Array, value: [] });
const plain = (one) => (ArrayBuffer.isView(one) ? Array.from(one) : one);
const as = (user, work) => () => withSession(work, {}, login(user));

/** Outputs by name: of the call, or of its job once that has ended. */
async function results(session, method, ...inputArguments) {
  const [, path] = method.match(/(.*)\/.*/);
  const answer = await session.call({ objectId: twin(`${path}/Analytics`), methodId: twin(method), inputArguments });
  if (!answer.statusCode.isGood()) throw new Error(`${method}: ${answer.statusCode.name}`);
  const { outputArguments } = await session.getArgumentDefinition(twin(method));
  const found = Object.fromEntries(outputArguments.map((one, at) => [one.name, plain(answer.outputArguments[at].value)]));
  if (found.JobId.isEmpty()) return found;
  const job = found.JobId.value;
  while ((await session.read(value(twin(`${job}/CurrentState.Number`)))).value.value !== HALTED) await pause(50);
  const names = outputArguments.map((one) => one.name).filter((name) => name !== "JobId");
  const read = await session.read(names.map((name) => value(twin(`${job}/Result/${name}`))));
  return Object.fromEntries(names.map((name, at) => [name, plain(read[at].value.value)]));
}

/** What a method says once it can say something; how often it could not; its reason then. */
async function onceValid(session, method, ...inputs) {
  for (let refused = 0, why = ""; ; refused++) {
    const found = await results(session, method, ...inputs);
    if (found.Valid) return { ...found, refused, why };
    why = found.Reason;
    await pause(500);
  }
}

const live = async (session) => (await session.read(value(twin(`${PUMP}/AnomalyScore`)))).value?.value ?? 0;
const life = (session) => onceValid(session, `${PUMP}/${BEARING}/PredictRemainingUsefulLife`, text(), number(90));
const vibration = value(twin(`${PUMP}/${BEARING}/Vibration`));
const reaches = async (session, limit) => {
  while ((await session.read(vibration)).value.value < limit) await pause(100);
};
let event;

await run({
  it_is_trained_once_enough_is_known_of_normal_operation: as("engineer", async (session) => {
    const options = texts("Activate=true", "Step=0.2", "Window=0.6");
    const training = [text("Anomaly"), texts(...SIGNALS), texts(), open, open, times, options];
    const { State, refused, why } = await onceValid(session, `${PUMP}/TrainModel`, ...training);
    return { State, refused, why };
  }),

  the_fault_is_injected_as_an_operator_would: as("operator", async (session) => {
    const before = await live(session);
    const fault = new Variant({ dataType: DataType.UInt16, value: 1 });
    const call = { objectId: twin("Cooling/Commands"), methodId: twin("Cooling/Inject"), inputArguments: [fault] };
    return [before, (await session.call(call)).statusCode.name];
  }),

  the_score_rises_by_itself: as("engineer", async (session) => {
    for (;;) {
      const score = await live(session);
      if (score > 1) return score;
      await pause(100);
    }
  }),

  the_damage_is_detected: as("engineer", async (session) => {
    for (;;) {
      const found = await results(session, `${PUMP}/DetectAnomalies`, open, open, text());
      event = found.EventIds.at(-1);
      if (event) return found.TopSignals.at(-1);
      await pause(200);
    }
  }),

  it_is_explained: as("engineer", async (session) => {
    const three = new Variant({ dataType: DataType.Int32, value: 3 });
    const { Signals, Actual, Expected, Explanation } = await results(session, `${PUMP}/ExplainAnomaly`, text(event), three);
    return { Signals, Actual, Expected, Explanation };
  }),

  its_remaining_life_shrinks: as("engineer", async (session) => {
    await reaches(session, told.high);
    const said = [];
    const begun = Date.now();
    for (let at = 0; at < 3; at++) {
      const { RemainingUsefulLife, Lower, Upper, Drivers, Explanation } = await life(session);
      said.push({ hours: RemainingUsefulLife, Lower, Upper, Drivers, Explanation });
      await pause(700);
    }
    await reaches(session, told.highHigh);
    return { said, really: (Date.now() - begun) / 3_600_000 };
  }),
});
