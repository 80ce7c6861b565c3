// An independent client: runs the steps of one scenario against a server and prints what it saw as JSON.
// usage: node client.mjs URL SCENARIO JSON-OPTIONS
import {
  AttributeIds,
  ClientSubscription,
  DataType,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  StatusCodes,
  TimestampsToReturn,
  UserTokenType,
  Variant,
  VariantArrayType,
  makeBrowsePath,
} from "node-opcua-client";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";

const [url, scenario, text] = process.argv.slice(2);
const options = JSON.parse(text ?? "{}");

async function makeClient(extra = {}) {
  const clientCertificateManager = new OPCUACertificateManager({
    rootFolder: options.pki,
    automaticallyAcceptUnknownCertificate: true,
  });
  await clientCertificateManager.initialize();
  return OPCUAClient.create({
    applicationName: "interop",
    clientCertificateManager,
    endpointMustExist: false,
    connectionStrategy: { maxRetry: 0 },
    keepSessionAlive: false,
    ...extra,
  });
}

async function withSession(work, extra = {}, user = undefined) {
  const client = await makeClient(extra);
  await client.connect(url);
  const session = await client.createSession(user);
  try {
    return await work(session, client);
  } finally {
    await session.close();
    await client.disconnect();
  }
}

const login = { type: UserTokenType.UserName, userName: options.user, password: options.password };

const scenarios = {
  endpoints: async () => {
    const client = await makeClient();
    await client.connect(url);
    const endpoints = await client.getEndpoints();
    const servers = await client.findServers();
    await client.disconnect();
    return {
      endpoints: endpoints.map((one) => [one.securityPolicyUri.split("#")[1], one.securityMode]),
      servers: servers.map((one) => one.applicationUri),
    };
  },

  browse: () =>
    withSession(async (session) => {
      const objects = await session.browse("RootFolder");
      const twins = await session.browse(options.node);
      const path = await session.translateBrowsePath(makeBrowsePath("RootFolder", "/Objects/Server/ServerStatus.State"));
      const first = await session.browse({ nodeId: options.node, resultMask: 63, requestedMaxReferencesPerNode: 1 });
      return {
        root: objects.references.map((one) => one.browseName.name),
        twins: twins.references.map((one) => one.browseName.name),
        state: path.targets[0].targetId.toString(),
        page: first.references.length,
      };
    }),

  read: () =>
    withSession(async (session) => {
      const values = await session.read(
        options.nodes.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })),
        0,
      );
      const handles = await session.registerNodes(options.nodes);
      const again = await session.read(handles.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })));
      const show = (one) => [DataType[one.value.dataType], one.value.value, one.statusCode.name, !!one.sourceTimestamp];
      return { values: values.map(show), registered: again.map(show) };
    }),

  write: () =>
    withSession(
      async (session) => {
        const item = (nodeId, dataType, value) => ({
          nodeId,
          attributeId: AttributeIds.Value,
          value: { value: new Variant({ dataType, value }) },
        });
        const results = await session.write([
          item(options.command, DataType.Boolean, true),
          item(options.command, DataType.Double, 1.0),
          item(options.fixed, DataType.Double, 1.0),
        ]);
        return results.map((one) => one.name);
      },
      {},
      login,
    ),

  call: () =>
    withSession(async (session) => {
      const numbers = new Variant({ dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [1, 2, 3] });
      const scale = new Variant({ dataType: DataType.Double, value: 2 });
      const good = await session.call({ ...options.method, inputArguments: [numbers, scale] });
      const few = await session.call({ ...options.method, inputArguments: [numbers] });
      const wrong = await session.call({ ...options.method, inputArguments: [numbers, numbers] });
      return {
        good: [good.statusCode.name, good.outputArguments[0].value],
        few: few.statusCode.name,
        wrong: [wrong.statusCode.name, wrong.inputArgumentResults.map((one) => one.name)],
      };
    }),

  secured: () =>
    withSession(
      async (session) => (await session.read({ nodeId: "i=2259", attributeId: AttributeIds.Value })).value.value,
      { securityMode: MessageSecurityMode[options.mode], securityPolicy: SecurityPolicy[options.policy] },
      login,
    ),

  subscribe: () =>
    withSession(async (session) => {
      const subscription = ClientSubscription.create(session, {
        requestedPublishingInterval: 50,
        requestedLifetimeCount: 100,
        requestedMaxKeepAliveCount: 5,
        maxNotificationsPerPublish: 0,
        publishingEnabled: true,
        priority: 1,
      });
      const item = await subscription.monitor(
        { nodeId: "i=2258", attributeId: AttributeIds.Value },
        { samplingInterval: 50, queueSize: 10, discardOldest: true },
        TimestampsToReturn.Both,
      );
      let count = 0;
      await new Promise((resolve) => item.on("changed", () => ++count === 5 && resolve()));
      await subscription.terminate();
      return { count, good: StatusCodes.Good.value };
    }),
};

try {
  console.log(JSON.stringify({ result: await scenarios[scenario]() }));
} catch (error) {
  console.log(JSON.stringify({ error: String(error.message ?? error) }));
}
process.exit(0);
