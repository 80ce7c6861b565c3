// A worn bearing of the demo's physics, from the data to the label, as an independent client calls the methods of its twin.
import { DataType, Variant, VariantArrayType } from "node-opcua-client";
import { login, pause, run, told, twin, value, withSession } from "./lib.mjs";

const PUMP = "Cooling/PrimaryLoop/Pump2";
const BEARING = ["DriveEndBearing/Vibration", "DriveEndBearing/PeakVibration", "DriveEndBearing/Temperature"];
const SIGNALS = [...BEARING, "NonDriveEndBearing/Vibration", "NonDriveEndBearing/Temperature", "Motor/Load", "Speed"];
const HALTED = 11;

const text = (one = "") => new Variant({ dataType: DataType.String, value: one });
const texts = (...many) => new Variant({ dataType: DataType.String, arrayType: VariantArrayType.Array, value: many });
const number = (one) => new Variant({ dataType: DataType.Double, value: one });
const count = (one) => new Variant({ dataType: DataType.Int32, value: one });
const time = (one) => new Variant({ dataType: DataType.DateTime, value: one ? new Date(one) : null });
const times = (...many) =>
  new Variant({ dataType: DataType.DateTime, arrayType: VariantArrayType.Array, value: many.map((one) => new Date(one)) });
const open = time(null);
const plain = (one) => (ArrayBuffer.isView(one) ? Array.from(one) : one);

const call = (session, method, ...inputArguments) => {
  const [, path, name] = method.match(/(.*)\/(.*)/);
  return session.call({ objectId: twin(`${path}/Analytics`), methodId: twin(method), inputArguments });
};

/** Outputs by name: of the call, or of its job once that has ended. */
async function results(session, method, ...inputArguments) {
  const answer = await call(session, method, ...inputArguments);
  if (!answer.statusCode.isGood()) throw new Error(`${method}: ${answer.statusCode.name}`);
  const { outputArguments } = await session.getArgumentDefinition(twin(method));
  const found = Object.fromEntries(outputArguments.map((one, at) => [one.name, plain(answer.outputArguments[at].value)]));
  if (found.JobId.isEmpty()) return { ...found, wasJob: false };
  const job = found.JobId.value;
  for (;;) {
    if ((await session.read(value(twin(`${job}/CurrentState.Number`)))).value.value === HALTED) break;
    await pause(50);
  }
  const names = outputArguments.map((one) => one.name).filter((name) => name !== "JobId");
  const read = await session.read(names.map((name) => value(twin(`${job}/Result/${name}`))));
  return { ...Object.fromEntries(names.map((name, at) => [name, plain(read[at].value.value)])), wasJob: true };
}

const engineer = (work) => () => withSession(work, {}, login("engineer"));
const training = (kind = "Anomaly", signals = SIGNALS, context = ["Speed"], begin = told.begin, end = told.fault, options = []) =>
  [text(kind), texts(...signals), texts(...context), time(begin), time(end), times(), texts(...options)];
let event;

await run({
  the_data_are_judged_first: engineer((session) =>
    results(session, `${PUMP}/CheckDataQuality`, texts("Speed", ...BEARING), time(told.begin), time(told.end)),
  ),

  features_of_minutes: engineer(async (session) => {
    const window = [number(60), number(0), text("mean,maximum")];
    const found = await results(session, `${PUMP}/ExtractFeatures`, texts(BEARING[0]), time(told.begin), time(told.fault), ...window);
    return { Names: found.Names, windows: found.Times.length, values: found.Values.length, Valid: found.Valid };
  }),

  without_a_model_nothing_is_said: engineer((session) => results(session, `${PUMP}/DetectAnomalies`, open, open, text())),

  a_model_is_trained_and_becomes_active: engineer(async (session) => {
    const trained = await results(session, `${PUMP}/TrainModel`, ...training());
    const active = await results(session, `${PUMP}/ActivateModel`, text(trained.ModelId));
    const listed = await results(session, `${PUMP}/ListModels`, text("Anomaly"));
    const model = await results(session, `${PUMP}/GetModel`, text(trained.ModelId));
    return [trained.ModelId, trained.State, trained.Reason, active.State, listed.States, model.ContextSignals];
  }),

  the_worn_bearing_is_found_and_nothing_else: engineer(async (session) => {
    const found = await results(session, `${PUMP}/DetectAnomalies`, time(told.begin), time(told.end), text());
    event = found.EventIds.at(-1);
    const { EventIds, TopSignals, Valid, ModelId } = found;
    return { events: EventIds.length, start: +found.Starts.at(-1), top: TopSignals.at(-1), Valid, ModelId };
  }),

  it_is_explained: engineer((session) => results(session, `${PUMP}/ExplainAnomaly`, text(event), count(3))),

  the_change_is_found_without_a_model_too: engineer((session) =>
    results(session, `${PUMP}/DetectChangePoints`, texts(BEARING[0]), time(told.begin), time(told.end), number(20)),
  ),

  drift_is_told: engineer((session) => results(session, `${PUMP}/CheckDrift`, text())),

  the_future_is_told: engineer(async (session) => {
    const health = await results(session, `${PUMP}/GetHealth`);
    const forecast = await results(session, `${PUMP}/Forecast`, text(BEARING[0]), number(60), number(10), number(90));
    const life = await results(session, `${PUMP}/DriveEndBearing/PredictRemainingUsefulLife`, text(), number(90));
    return { health, forecast, life };
  }),

  labels_are_remembered_and_maintenance_ends_a_baseline: engineer(async (session) => {
    const label = (id, kind, ...span) => results(session, `${PUMP}/LabelEvent`, text(id), text(kind), ...span, text("bearing"));
    const fault = await label(event, "Fault", open, open);
    const maintenance = await label("", "maintenance", time(told.end), open);
    return [fault.InvalidModelIds, maintenance.InvalidModelIds, maintenance.Reason];
  }),

  a_model_can_be_taken_away: engineer(async (session) => {
    const { Archive } = await results(session, `${PUMP}/ExportModel`, text("Anomaly-1"));
    const { State } = await results(session, `${PUMP}/RetireModel`, text("Anomaly-1"));
    return [Buffer.from(Archive).subarray(0, 2).toString(), Archive.length > 1000, State];
  }),

  all_pumps_of_a_loop_are_trained_in_one_call: engineer(async (session) => {
    const [kind, signals, context, begin, end, , options] = training();
    const arguments_ = [kind, text("Pump"), signals, context, begin, end, options];
    const found = await results(session, "Cooling/PrimaryLoop/TrainFleet", ...arguments_);
    return { ...found, Figures: found.Figures.length, DataQuality: Math.round(found.DataQuality) };
  }),

  wrong_inputs_are_named: engineer(async (session) => {
    const wrong = [
      ["CheckDataQuality", texts("Speeed"), open, open],
      ["CheckDataQuality", texts(), time(told.end), time(told.begin)],
      ["CheckDataQuality", text("Speed"), open, open],
      ["CheckDataQuality", texts()],
      ["CheckDataQuality", texts(), open, open, open],
      ["ExtractFeatures", texts(), open, open, number(-1), number(0), text()],
      ["ExtractFeatures", texts(), open, open, number(0), number(0), text("meen")],
      ["TrainModel", ...training("Anomly")],
      ["TrainModel", ...training("Anomaly", ["Vibration"])],
      ["TrainModel", ...training("Anomaly", SIGNALS, ["Wind"])],
      ["TrainModel", ...training("Anomaly", SIGNALS, [], told.end, told.begin)],
      ["TrainModel", ...training("Anomaly", SIGNALS, [], told.begin, told.end, ["Margin=0"])],
      ["DetectAnomalies", open, open, text("Anomaly-9")],
      ["DetectAnomalies", time(told.end), time(told.begin), text("Anomaly-1")],
      ["ExplainAnomaly", text("yesterday"), count(1)],
      ["ExplainAnomaly", text(event), number(1)],
      ["DetectChangePoints", texts(), time(told.begin), time(told.end), number(1e6)],
      ["CheckDrift", text("Anomaly-9")],
      ["LabelEvent", text(), text("Holiday"), open, open, text()],
      ["LabelEvent", text(), text("Fault"), time(told.end), time(told.begin), text()],
      ["ActivateModel", text("Anomaly-9")],
      ["GetModel", text()],
      ["ExportModel", text("Anomaly-9")],
      ["RetireModel", text("Anomaly-9")],
    ];
    const said = [];
    for (const [name, ...inputs] of wrong) {
      const answer = await call(session, `${PUMP}/${name}`, ...inputs);
      const bad = (answer.inputArgumentResults ?? []).map((one) => one.name);
      said.push([name, answer.statusCode.name, bad.findIndex((one) => one !== "Good"), bad.find((one) => one !== "Good") ?? ""]);
    }
    const fleet = [text("Anomaly"), text("Fan"), texts(), texts(), open, open, texts()];
    const answer = await call(session, "Cooling/TrainFleet", ...fleet);
    return [...said, ["TrainFleet", answer.statusCode.name, 1, answer.inputArgumentResults[1].name]];
  }),

  who_may_not_is_refused: () =>
    withSession(async (session) => {
      const answers = [];
      for (const [name, ...inputs] of [["TrainModel", ...training()], ["RetireModel", text("Anomaly-1")]])
        answers.push((await call(session, `${PUMP}/${name}`, ...inputs)).statusCode.name);
      const open_to_all = await results(session, `${PUMP}/ListModels`, text());
      return [...answers, open_to_all.Valid];
    }),
});
