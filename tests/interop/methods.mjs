// The Method Service Set: Call.
import { CallRequest, DataType, Variant, VariantArrayType } from "node-opcua-client";
import { login, names, plant, run, transact, twin, value, withSession } from "./lib.mjs";

const PUMP = twin("Cooling/Loop1/Pump1");
const MEAN = { objectId: twin("Cooling/Loop1/Pump1/Analytics"), methodId: twin("Cooling/Loop1/Pump1/Mean") };
const START = { objectId: twin("Cooling/Loop1/Pump1/Commands"), methodId: twin("Cooling/Loop1/Pump1/Start") };
const numbers = new Variant({ dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [1, 2, 3] });
const scale = new Variant({ dataType: DataType.Double, value: 2 });
const call = (session, methodsToCall) => transact(session, new CallRequest({ methodsToCall }));

await run({
  a_method_computes: () =>
    withSession(async (session) => {
      const one = await session.call({ ...MEAN, inputArguments: [numbers, scale] });
      return [one.statusCode.name, one.outputArguments[0].value, DataType[one.outputArguments[0].dataType]];
    }),

  each_call_has_its_own_status: () =>
    withSession(async (session) => {
      const good = [numbers, scale];
      const response = await call(session, [
        { ...MEAN, inputArguments: good },
        { ...MEAN, inputArguments: [numbers] },
        { ...MEAN, inputArguments: [...good, scale] },
        { ...MEAN, inputArguments: [scale, numbers] },
        { ...MEAN, objectId: twin("nothing"), inputArguments: good },
        { ...MEAN, methodId: twin("nothing"), inputArguments: good },
        { ...MEAN, objectId: PUMP, inputArguments: good },
        { ...MEAN, methodId: PUMP, inputArguments: good },
        { ...START, inputArguments: [] },
      ]);
      return {
        statuses: names(response.results),
        arguments: response.results.map((one) => names(one.inputArgumentResults ?? [])),
        nothing: (await call(session, [])).fault,
        many: (await call(session, Array(1_001).fill({ ...START, inputArguments: [] }))).fault,
      };
    }),

  a_command_is_for_operators: () =>
    withSession(
      async (session) => {
        const response = await call(session, [{ ...START, inputArguments: [] }]);
        return { statuses: names(response.results), commands: (await plant("commands")).slice(-1) };
      },
      {},
      login("operator"),
    ),

  arguments_are_described: () =>
    withSession(async (session) => {
      const one = await session.getArgumentDefinition(MEAN.methodId);
      const shown = (list) => list.map((argument) => [argument.name, argument.dataType.toString(), argument.valueRank]);
      return [shown(one.inputArguments), shown(one.outputArguments)];
    }),

  a_slow_call_delays_nobody: () =>
    withSession(
      async (session) => {
        await plant("hold");
        let done = false;
        const slow = call(session, [{ ...START, inputArguments: [] }]).finally(() => (done = true));
        const read = await session.read(value("i=2258"));
        const other = await session.call({ ...MEAN, inputArguments: [numbers, scale] });
        const before = done;
        await plant("release");
        return [read.statusCode.name, other.statusCode.name, before, names((await slow).results)];
      },
      {},
      login("operator"),
    ),
});
