// The loop on the demo's devices: calibrate, ask what if, optimise, approve, see the command arrive and the saving appear.
import { DataType, Variant, VariantArrayType } from "node-opcua-client";
import { login, pause, run, show, twin, value, withSession } from "./lib.mjs";

const PLANT = "Cooling";
const LOOP = `${PLANT}/PrimaryLoop`;
const CHILLER = `${LOOP}/Chiller`;
const HALTED = 11;

const text = (one = "") => new Variant({ dataType: DataType.String, value: one });
const number = (one) => new Variant({ dataType: DataType.Double, value: one });
const list = (dataType, many) => new Variant({ dataType, arrayType: VariantArrayType.Array, value: many });
const texts = (...many) => list(DataType.String, many);
const numbers = (...many) => list(DataType.Double, many);
const open = new Variant({ dataType: DataType.DateTime, value: null });
const plain = (one) => (ArrayBuffer.isView(one) ? Array.from(one) : one);
const as = (user, work) => () => withSession(work, {}, user ? login(user) : undefined);

/** Outputs by name: of the call, or of its job once that has ended; { refused } where it was not Good. */
async function results(session, method, ...inputArguments) {
  const [, path] = method.match(/(.*)\/.*/);
  const answer = await session.call({ objectId: twin(`${path}/Analytics`), methodId: twin(method), inputArguments });
  if (!answer.statusCode.isGood()) return { refused: answer.statusCode.name };
  const { outputArguments } = await session.getArgumentDefinition(twin(method));
  const found = Object.fromEntries(outputArguments.map((one, at) => [one.name, plain(answer.outputArguments[at].value)]));
  if (found.JobId.isEmpty()) return found;
  const job = found.JobId.value;
  while ((await session.read(value(twin(`${job}/CurrentState.Number`)))).value.value !== HALTED) await pause(50);
  const names = outputArguments.map((one) => one.name).filter((name) => name !== "JobId");
  const read = await session.read(names.map((name) => value(twin(`${job}/Result/${name}`))));
  return Object.fromEntries(names.map((name, at) => [name, plain(read[at].value.value)]));
}

const read = async (session, ...paths) => (await session.read(paths.map((path) => value(twin(path))))).map(show);
let proposal;

await run({
  the_models_are_calibrated: as("engineer", async (session) => {
    const parameters = texts("Pump1:resistance", "Pump2:shutoff");
    const said = await results(session, `${LOOP}/Calibrate`, parameters, numbers(), open, open, text());
    const { ParameterNames, Before, After, Identifiable, SignalNames, RmseAfter, RmsePersistence, Valid } = said;
    return { ParameterNames, Before, After, Identifiable, SignalNames, RmseAfter, RmsePersistence, Valid };
  }),

  what_if_the_water_were_warmer: as(undefined, async (session) => {
    const given = [texts("PrimaryLoop/Chiller/TemperatureSetpoint"), numbers(9)];
    const said = await results(session, `${PLANT}/Simulate`, ...given, open, number(7200), number(0), text());
    const energy = said.KpiDifferences[said.KpiNames.indexOf("Energy(TotalPower)")];
    return { energy, Valid: said.Valid, now: await read(session, `${CHILLER}/TemperatureSetpoint`) };
  }),

  a_better_way_is_proposed: as("operator", async (session) => {
    const said = await results(session, `${PLANT}/OptimizeSetpoints`, text(), texts(), texts(), number(0));
    proposal = said;
    const { ProposalId, Saving, SavingLow, SavingHigh, SavingPercent, Binding, Valid, Reason } = said;
    return { ProposalId, Saving, SavingLow, SavingHigh, SavingPercent, Binding, Valid, Reason };
  }),

  who_may_not_does_not_apply_it: as("viewer", async (session) => {
    return (await results(session, `${PLANT}/ApplyProposal`, text(proposal.ProposalId))).refused;
  }),

  an_operator_does_and_the_devices_obey: as("operator", async (session) => {
    const applied = await results(session, `${PLANT}/ApplyProposal`, text(proposal.ProposalId));
    const wanted = proposal.Proposed[proposal.Names.indexOf("PrimaryLoop/Pump1/SpeedSetpoint")];
    for (;;) {
      const [[status, speed]] = await read(session, `${LOOP}/Pump1/Speed`);
      if (status === "Good" && Math.abs(speed - wanted) < 15) break;
      await pause(100);
    }
    return { State: applied.State, Statuses: applied.Statuses, commands: applied.Commands.length };
  }),

  the_saving_appears: as(undefined, async (session) => {
    for (;;) {
      const [[status, saved]] = await read(session, `${PLANT}/PowerSaved`);
      if (status === "Good") return { saved, promised: proposal.Saving };
      await pause(250);
    }
  }),
});
