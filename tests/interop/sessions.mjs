// The Session Service Set and secure channels: users, policies, lost connections.
import {
  CancelRequest,
  ClientSubscription,
  CreateSubscriptionRequest,
  DataType,
  PublishRequest,
  ReadRequest,
  TimestampsToReturn,
} from "node-opcua-client";
import {
  AttributeIds,
  login,
  makeClient,
  names,
  pause,
  plant,
  run,
  secured,
  told,
  transact,
  twin,
  until,
  value,
  withSession,
} from "./lib.mjs";

const LEVEL = "Cooling/Loop1/Tank/Level";
const POLICIES = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"];
const STATE = value("i=2259");

async function outcome(work) {
  try {
    return await work();
  } catch (error) {
    return (/Bad\w+/.exec(error.response?.responseHeader.serviceResult.name ?? error.message) ?? [error.message])[0];
  }
}

const connecting = (user, options) =>
  outcome(() => withSession(async (session) => (await session.read(STATE)).statusCode.name, options, user));

const send = (client, request) =>
  new Promise((resolve, reject) =>
    client.performMessageTransaction(request, (error, response) => (error ? reject(error) : resolve(response))),
  );

async function watching(session, path, heard) {
  const subscription = ClientSubscription.create(session, {
    requestedPublishingInterval: 50,
    requestedLifetimeCount: 1000,
    requestedMaxKeepAliveCount: 5,
    publishingEnabled: true,
  });
  const item = await subscription.monitor(
    { nodeId: twin(path), attributeId: AttributeIds.Value },
    { samplingInterval: 20, queueSize: 100, discardOldest: true },
    TimestampsToReturn.Both,
  );
  item.on("changed", (one) => heard.push(one.value.value));
  return subscription;
}

await run({
  every_policy_and_mode_works_with_a_password: async () => {
    const seen = {};
    for (const policy of POLICIES)
      for (const mode of ["Sign", "SignAndEncrypt"])
        seen[`${policy} ${mode}`] = await connecting(login("operator"), secured(policy, mode));
    seen.None = await connecting(login("operator"), {});
    return seen;
  },

  wrong_users_are_denied: async () => {
    const options = secured("Basic256Sha256");
    return [
      await connecting(login("operator", "wrong"), options),
      await connecting(login("stranger"), options),
      await connecting(login("operator", "wrong"), {}),
    ];
  },

  a_closed_session_serves_nothing: () =>
    withSession(async (session, client) => {
      const first = await client.createSession();
      const read = await first.read(STATE);
      const header = first.authenticationToken;
      await first.close();
      const request = new ReadRequest({ nodesToRead: [STATE], timestampsToReturn: 2 });
      request.requestHeader.authenticationToken = header;
      const late = await outcome(() => send(client, request));
      return [read.statusCode.name, late];
    }),

  a_token_is_of_no_use_on_another_channel: () =>
    withSession(async (session) => {
      const other = await makeClient();
      await other.connect(told.url);
      const request = new ReadRequest({ nodesToRead: [STATE], timestampsToReturn: 2 });
      request.requestHeader.authenticationToken = session.authenticationToken;
      const stolen = await outcome(() => send(other, request));
      await other.disconnect();
      return [stolen, (await session.read(STATE)).statusCode.name];
    }),

  the_user_of_a_session_can_change: () =>
    withSession(async (session) => {
      const level = async () =>
        (await session.read({ nodeId: twin("Cooling/Loop1/Pump1/Run"), attributeId: AttributeIds.UserAccessLevel }))
          .value.value;
      const before = await level();
      const changed = await session.changeUser(login("operator"));
      return [before, changed.name, await level()];
    }),

  an_outstanding_request_can_be_cancelled: () =>
    withSession(async (session) => {
      await transact(session, new CreateSubscriptionRequest({ requestedPublishingInterval: 10_000, publishingEnabled: true,
        requestedMaxKeepAliveCount: 100, requestedLifetimeCount: 1000 }));
      const request = new PublishRequest({});
      const published = transact(session, request);
      await pause(50);
      const requestHandle = request.requestHeader.requestHandle;
      const cancelled = await transact(session, new CancelRequest({ requestHandle }));
      const nothing = await transact(session, new CancelRequest({ requestHandle: 123_456 }));
      return [cancelled.cancelCount, (await published).fault, nothing.cancelCount];
    }),

  a_lost_connection_loses_no_value: async () => {
    const client = await makeClient({ connectionStrategy: { maxRetry: 50, initialDelay: 50, maxDelay: 200 } });
    await client.connect(told.url);
    const session = await client.createSession();
    const heard = [];
    await plant("set", LEVEL, 1);
    const subscription = await watching(session, LEVEL, heard);
    const id = subscription.subscriptionId;
    await until(() => heard.length);
    for (const round of [1, 2]) {
      await plant("cut");
      for (let step = 0; step < 3; step++) {
        await plant("set", LEVEL, 100 * round + step);
        await pause(100);
      }
      await until(() => heard.includes(100 * round + 2), 8_000);
    }
    const before = await plant("requests");
    await pause(500);
    const quiet = (await plant("requests")) - before;
    const same = subscription.subscriptionId === id;
    await subscription.terminate();
    await session.close();
    await client.disconnect();
    return { heard, quiet, same };
  },

  a_client_that_reconnects_takes_its_session_along: async () => {
    const client = await makeClient({ connectionStrategy: { maxRetry: 50, initialDelay: 50, maxDelay: 200 } });
    await client.connect(told.url);
    const session = await client.createSession(login("operator"));
    const id = session.sessionId.toString();
    await plant("cut");
    const level = { nodeId: twin("Cooling/Loop1/Pump1/Run"), attributeId: AttributeIds.UserAccessLevel };
    let read;
    await until(async () => (read = await outcome(() => session.read(level)))?.statusCode?.name === "Good", 8_000);
    const seen = [session.sessionId.toString() === id, read.value.value];
    await session.close();
    await client.disconnect();
    return seen;
  },

  a_token_is_renewed_while_requests_go_on: async () => {
    const client = await makeClient({ ...secured("Aes256_Sha256_RsaPss"), defaultSecureTokenLifetime: 1_000 });
    let renewals = 0;
    client.on("security_token_renewed", () => renewals++);
    await client.connect(told.url);
    const session = await client.createSession();
    const statuses = new Set();
    for (const end = Date.now() + 2_500; Date.now() < end; await pause(20))
      statuses.add((await session.read(STATE)).statusCode.name);
    await session.close();
    await client.disconnect();
    return [renewals >= 2, [...statuses]];
  },

  large_messages_pass_in_both_directions: () =>
    withSession(
      async (session) => {
        const nodes = Array(9_000).fill(value(twin("Cooling/Loop1/Tank/EachDouble")));
        const results = await session.read(nodes);
        return [results.length, new Set(names(results)).size];
      },
      secured("Basic256Sha256"),
    ),
});
