// Optimise, approve, see what comes of it: as an independent client does it.
import { AttributeIds, DataType, Variant, VariantArrayType } from "node-opcua-client";
import { login, pause, run, twin, value, withSession } from "./lib.mjs";

const HALL = "Hall";
const HALTED = 11;
const text = (one = "") => new Variant({ dataType: DataType.String, value: one });
const texts = (...many) => new Variant({ dataType: DataType.String, arrayType: VariantArrayType.Array, value: many });
const number = (one) => new Variant({ dataType: DataType.Double, value: one });
const plain = (one) => (ArrayBuffer.isView(one) ? Array.from(one) : one);

const call = (session, name, ...inputArguments) =>
  session.call({ objectId: twin(`${HALL}/Analytics`), methodId: twin(`${HALL}/${name}`), inputArguments });

/** Outputs by name: of the call, or of its job once that has ended. */
async function results(session, name, ...inputArguments) {
  const answer = await call(session, name, ...inputArguments);
  if (!answer.statusCode.isGood()) return { refused: answer.statusCode.name, inputs: answer.inputArgumentResults.map((one) => one.name) };
  const { outputArguments } = await session.getArgumentDefinition(twin(`${HALL}/${name}`));
  const found = Object.fromEntries(outputArguments.map((one, at) => [one.name, plain(answer.outputArguments[at].value)]));
  if (found.JobId.isEmpty()) return found;
  const job = found.JobId.value;
  while ((await session.read(value(twin(`${job}/CurrentState.Number`)))).value.value !== HALTED) await pause(50);
  const names = outputArguments.map((one) => one.name).filter((one) => one !== "JobId");
  const read = await session.read(names.map((one) => value(twin(`${job}/Result/${one}`))));
  return Object.fromEntries(names.map((one, at) => [one, plain(read[at].value.value)]));
}

const as = (user, work) => () => withSession(work, {}, user ? login(user) : undefined);
let proposal;

await run({
  the_mode_is_a_state_with_a_name: as("viewer", async (session) => {
    const mode = await session.read(value(twin(`${HALL}/OptimizationMode`)));
    const names = await session.read(value(twin(`${HALL}/OptimizationMode.EnumStrings`)));
    const method = { nodeId: twin(`${HALL}/ApplyProposal`), attributeId: AttributeIds.UserExecutable };
    return [mode.value.value, names.value.value.map((one) => one.text), (await session.read(method)).value.value];
  }),

  a_proposal_writes_nothing: as("operator", async (session) => {
    const said = await results(session, "OptimizeSetpoints", text(), texts(), texts(), number(0));
    proposal = said.ProposalId;
    const now = await session.read(value(twin(`${HALL}/A/SpeedSetpoint`)));
    return { id: proposal, names: said.Names, low: said.SavingLow, saving: said.Saving, reason: said.Reason, now: now.value.value };
  }),

  who_may_not_is_refused: async () => {
    const seen = [];
    for (const user of ["viewer", undefined])
      seen.push((await as(user, (session) => results(session, "ApplyProposal", text(proposal)))()).refused);
    seen.push((await as("operator", (session) => results(session, "SetOptimizationMode", text("autonomous")))()).refused);
    seen.push(await as("operator", (session) => results(session, "ApplyProposal", text("Proposal-99")))());
    return seen;
  },

  an_operator_applies_it_once: as("operator", async (session) => {
    const first = await results(session, "ApplyProposal", text(proposal));
    const again = await results(session, "ApplyProposal", text(proposal));
    const told = await results(session, "GetProposal", text(proposal));
    return { state: first.State, now: first.Now, statuses: first.Statuses, again: again.refused, by: told.EndedBy };
  }),

  an_engineer_sets_the_mode: as("engineer", async (session) => {
    const armed = await results(session, "SetOptimizationMode", text("autonomous"));
    const told = await results(session, "GetOptimization");
    return [armed.Valid, told.Mode, told.Low, told.Step, told.ModeReason.startsWith("set to autonomous by engineer at ")];
  }),
});
