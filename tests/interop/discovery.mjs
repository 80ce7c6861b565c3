// The Discovery Service Set, the Server object, and what is not offered.
import { AddNodesRequest, AddReferencesRequest, DeleteNodesRequest, DeleteReferencesRequest } from "node-opcua-types";
import {
  FindServersOnNetworkRequest,
  QueryFirstRequest,
  QueryNextRequest,
  RegisterServer2Request,
  RegisterServerRequest,
  VariantArrayType,
} from "node-opcua-client";
import { login, makeClient, names, run, secured, told, transact, value, withSession } from "./lib.mjs";

const DIAGNOSTICS = "i=2274";
const SUMMARY = "i=2275";
const SESSIONS = "i=3707";
const SECURITY = "i=3708";
const SUBSCRIPTIONS = "i=2290";

async function connected(work) {
  const client = await makeClient();
  await client.connect(told.url);
  try {
    return await work(client);
  } finally {
    await client.disconnect();
  }
}

const plain = (one) => JSON.parse(JSON.stringify(one.value.value));

await run({
  endpoints_are_told_without_a_session: () =>
    connected(async (client) =>
      (await client.getEndpoints()).map((one) => ({
        url: one.endpointUrl,
        policy: one.securityPolicyUri.split("#")[1],
        mode: one.securityMode,
        level: one.securityLevel,
        profile: one.transportProfileUri,
        tokens: one.userIdentityTokens.map((token) => [token.tokenType, token.securityPolicyUri?.split("#")[1]]),
      })),
    ),

  endpoints_are_filtered_by_profile: () =>
    connected(async (client) => (await client.getEndpoints({ profileUris: ["http://other/profile"] })).length),

  servers_are_found: () =>
    connected(async (client) => {
      const all = await client.findServers();
      const none = await client.findServers({ serverUris: ["urn:somebody:else"] });
      return [all.map((one) => [one.applicationUri, one.applicationType, one.discoveryUrls.length]), none.length];
    }),

  services_that_are_not_offered_say_so: () =>
    withSession(async (session) => {
      const asked = {
        FindServersOnNetwork: new FindServersOnNetworkRequest({}),
        RegisterServer: new RegisterServerRequest({}),
        RegisterServer2: new RegisterServer2Request({}),
        QueryFirst: new QueryFirstRequest({}),
        QueryNext: new QueryNextRequest({}),
        AddNodes: new AddNodesRequest({ nodesToAdd: [{}] }),
        AddReferences: new AddReferencesRequest({ referencesToAdd: [{}] }),
        DeleteNodes: new DeleteNodesRequest({ nodesToDelete: [{}] }),
        DeleteReferences: new DeleteReferencesRequest({ referencesToDelete: [{}] }),
      };
      const seen = {};
      for (const [name, request] of Object.entries(asked)) seen[name] = (await transact(session, request)).fault;
      return seen;
    }),

  the_server_tells_its_status: () =>
    withSession(async (session) => {
      const status = await session.read(value("i=2256"));
      const level = await session.read(value("i=2267"));
      const build = status.value.value.buildInfo;
      return {
        state: status.value.value.state,
        current: Date.now() - status.value.value.currentTime.getTime(),
        started: Date.now() - status.value.value.startTime.getTime(),
        build: [build.productUri, build.manufacturerName, build.productName, build.softwareVersion, build.buildNumber],
        level: level.value.value,
      };
    }),

  the_operation_limits_are_told: () =>
    withSession(async (session) => {
      const ids = { reads: 11705, writes: 11707, calls: 11709, browses: 11710, registers: 11711, items: 11714 };
      const seen = {};
      for (const [name, id] of Object.entries(ids)) seen[name] = (await session.read(value(`i=${id}`))).value.value;
      return seen;
    }),

  the_capabilities_are_told: () =>
    withSession(async (session) => {
      const ask = async (id) => (await session.read(value(`i=${id}`))).value.value;
      return {
        profiles: await ask(2269),
        locales: await ask(2271),
        rate: await ask(2272),
        points: await ask(2735),
        history: await ask(2737),
      };
    }),

  diagnostics_count_sessions_and_subscriptions: () =>
    withSession(async (session, client) => {
      const before = plain(await session.read(value(SUMMARY)));
      const subscription = await session.createSubscription2({ requestedPublishingInterval: 100, publishingEnabled: true });
      const after = plain(await session.read(value(SUMMARY)));
      const sessions = plain(await session.read(value(SESSIONS)));
      const subscriptions = plain(await session.read(value(SUBSCRIPTIONS)));
      const own = sessions.find((one) => one.sessionName === session.name);
      const ownSubscription = subscriptions.find((one) => one.subscriptionId === subscription.subscriptionId);
      await subscription.terminate();
      return {
        more: after.currentSubscriptionCount - before.currentSubscriptionCount,
        sessions: after.currentSessionCount >= 1,
        own: [own.currentSubscriptionsCount, own.readCount.totalCount, own.createSubscriptionCount.totalCount],
        total: own.totalRequestCount.totalCount >= 4,
        client: own.clientDescription.applicationName.text ?? own.clientDescription.applicationName,
        subscription: [ownSubscription.publishingInterval, ownSubscription.publishingEnabled],
      };
    }),

  who_stands_behind_a_session_is_for_administrators: async () => {
    const ask = (user, options) =>
      withSession(
        async (session) => {
          const read = await session.read(value(SECURITY));
          const own = read.value.value?.find((one) => one.clientUserIdOfSession === "admin");
          return [read.statusCode.name, own && [own.authenticationMechanism, own.encoding, own.transportProtocol,
            own.securityMode, own.securityPolicyUri.split("#")[1], own.clientCertificate.length > 500]];
        },
        options,
        user,
      );
    return [await ask(undefined, {}), await ask(login("admin"), secured("Basic256Sha256"))];
  },
});
