// The Subscription Service Set.
import {
  ClientSubscription,
  DeleteSubscriptionsRequest,
  ModifySubscriptionRequest,
  SetPublishingModeRequest,
  TimestampsToReturn,
  TransferSubscriptionsRequest,
} from "node-opcua-client";
import { AttributeIds, login, names, pause, plant, run, transact, twin, value, withSession } from "./lib.mjs";
import { Publishing, changes, data, sequence, statuses, values } from "./publishing.mjs";

const LEVEL = "Cooling/Loop1/Tank/Level";
const HEALTH = "Cooling/Loop1/Pump1/HealthScore";

const subscribed = (work, more = {}, user = undefined) =>
  withSession(
    async (session) => {
      const publishing = new Publishing(session);
      const created = await publishing.subscribe(more);
      return await work(publishing, session, created);
    },
    {},
    user,
  );

const transfer = (session, subscriptionIds, sendInitialValues = true) =>
  transact(session, new TransferSubscriptionsRequest({ subscriptionIds, sendInitialValues }));

await run({
  terms_are_revised: () =>
    withSession(async (session) => {
      const publishing = new Publishing(session);
      const ask = async (requestedPublishingInterval, requestedLifetimeCount, requestedMaxKeepAliveCount) => {
        const one = await publishing.subscribe({
          requestedPublishingInterval,
          requestedLifetimeCount,
          requestedMaxKeepAliveCount,
        });
        return [one.revisedPublishingInterval, one.revisedLifetimeCount, one.revisedMaxKeepAliveCount];
      };
      return [await ask(0, 0, 0), await ask(100, 10, 20), await ask(1e12, 3, 1)];
    }),

  keep_alives_carry_the_next_number: () =>
    subscribed(
      async (publishing) => {
        const first = await publishing.publish();
        await plant("set", LEVEL, 1);
        await publishing.monitor([publishing.item(twin(LEVEL))]);
        const told = await publishing.publish();
        const start = Date.now();
        const quiet = await publishing.publish(sequence(told));
        return {
          numbers: [first, told, quiet].map(sequence),
          empty: [data(first).length, data(quiet).length],
          waited: Date.now() - start,
          acknowledged: names(quiet.results),
        };
      },
      { requestedPublishingInterval: 100, requestedMaxKeepAliveCount: 4 },
    ),

  a_limited_message_says_that_there_is_more: () =>
    subscribed(
      async (publishing) => {
        await plant("set", LEVEL, 2);
        await publishing.monitor(Array.from({ length: 5 }, () => publishing.item(twin(LEVEL))));
        const seen = [];
        for (let count = 0; count < 3; count++) {
          const one = await publishing.publish();
          seen.push([changes(one).length, one.moreNotifications]);
        }
        return seen;
      },
      { maxNotificationsPerPublish: 2 },
    ),

  messages_can_be_republished_until_acknowledged: () =>
    subscribed(async (publishing) => {
      await plant("set", LEVEL, 3);
      await publishing.monitor([publishing.item(twin(LEVEL))]);
      const told = await publishing.publish();
      const again = await publishing.republish(sequence(told));
      await plant("set", LEVEL, 4);
      const next = await publishing.publish(sequence(told), 999);
      return {
        first: values(told),
        same: [sequence(again), ...values(again)],
        acknowledged: names(next.results),
        available: [told.availableSequenceNumbers, next.availableSequenceNumbers].map((one) => [...one]),
        gone: (await publishing.republish(sequence(told))).fault,
        unknown: (await publishing.republish(1, 999_999)).fault,
      };
    }),

  publishes_without_a_subscription_are_refused: () =>
    withSession(async (session) => {
      const publishing = new Publishing(session);
      const none = (await publishing.publish()).fault;
      await publishing.subscribe({ requestedPublishingInterval: 10_000 });
      const waiting = publishing.publish();
      await pause(50);
      await transact(session, new DeleteSubscriptionsRequest({ subscriptionIds: [publishing.id] }));
      return [none, (await waiting).fault];
    }),

  too_many_publishes_push_out_the_oldest: () =>
    subscribed(
      async (publishing) => {
        await publishing.publish();
        const waiting = Array.from({ length: 12 }, () => publishing.publish());
        return (await Promise.race(waiting)).fault;
      },
      { requestedPublishingInterval: 200 },
    ),

  publishing_can_be_stopped: () =>
    subscribed(
      async (publishing, session) => {
        const mode = (publishingEnabled, ids = [publishing.id]) =>
          transact(session, new SetPublishingModeRequest({ publishingEnabled, subscriptionIds: ids }));
        await plant("set", LEVEL, 5);
        await publishing.monitor([publishing.item(twin(LEVEL), { queueSize: 10 })]);
        await publishing.publish();
        const stopped = names((await mode(false, [publishing.id, 999_999])).results);
        await plant("set", LEVEL, 6);
        const quiet = await publishing.publish();
        await mode(true);
        const told = await publishing.publish();
        return [stopped, data(quiet).length, values(told), (await mode(true, [])).fault];
      },
      { requestedMaxKeepAliveCount: 3 },
    ),

  a_modified_subscription_takes_its_new_terms: () =>
    subscribed(
      async (publishing, session) => {
        const modify = (subscriptionId) =>
          transact(
            session,
            new ModifySubscriptionRequest({
              subscriptionId,
              requestedPublishingInterval: 40,
              requestedLifetimeCount: 100,
              requestedMaxKeepAliveCount: 2,
              priority: 7,
            }),
          );
        await publishing.publish();
        const modified = await modify(publishing.id);
        const start = Date.now();
        await publishing.publish();
        await publishing.publish();
        return {
          revised: [
            modified.revisedPublishingInterval,
            modified.revisedLifetimeCount,
            modified.revisedMaxKeepAliveCount,
          ],
          waited: Date.now() - start,
          unknown: (await modify(999_999)).fault,
        };
      },
      { requestedPublishingInterval: 300 },
    ),

  a_subscription_that_nobody_asks_dies_and_says_so: () =>
    withSession(async (session) => {
      const publishing = new Publishing(session);
      await publishing.subscribe({ requestedPublishingInterval: 20, requestedLifetimeCount: 3, requestedMaxKeepAliveCount: 1 });
      await pause(400);
      const told = await publishing.publish();
      return [data(told)[0].constructor.name, data(told)[0].status.name, (await publishing.publish()).fault];
    }),

  subscriptions_belong_to_their_session: () =>
    subscribed(async (publishing) =>
      withSession(async (other) => {
        const stranger = new Publishing(other);
        const ids = { subscriptionIds: [publishing.id] };
        return [
          (await stranger.monitor([stranger.item(twin(LEVEL))], { subscriptionId: publishing.id })).fault,
          (await stranger.republish(1, publishing.id)).fault,
          names((await transact(other, new DeleteSubscriptionsRequest(ids))).results)[0],
          names((await transact(other, new SetPublishingModeRequest({ publishingEnabled: false, ...ids }))).results)[0],
        ];
      }),
    ),

  a_subscription_is_transferred_with_its_values: () =>
    subscribed(async (publishing) => {
      await plant("set", LEVEL, 7);
      await publishing.monitor([publishing.item(twin(LEVEL))]);
      const told = await publishing.publish();
      return withSession(async (other) => {
        const taker = new Publishing(other);
        taker.id = publishing.id;
        const [result] = (await transfer(other, [publishing.id])).results;
        const again = await taker.publish();
        const left = await publishing.publish();
        return {
          statuses: [result.statusCode.name, ...names((await transfer(other, [publishing.id, 999_999])).results)],
          available: [...result.availableSequenceNumbers],
          number: sequence(told),
          initial: values(again),
          left: data(left)[0].status.name,
          after: (await publishing.publish()).fault,
          nothing: (await transfer(other, [])).fault,
        };
      });
    }),

  another_user_cannot_take_a_subscription: () =>
    subscribed(
      async (publishing) => withSession(async (other) => names((await transfer(other, [publishing.id])).results)),
      {},
      login("operator"),
    ),

  a_subscription_outlives_its_session_when_asked_to: () =>
    withSession(async (session, client) => {
      const first = await client.createSession();
      const publishing = new Publishing(first);
      await publishing.subscribe();
      await plant("set", LEVEL, 8);
      await publishing.monitor([publishing.item(twin(LEVEL))]);
      await first.close(false);
      const [result] = (await transfer(session, [publishing.id])).results;
      const taker = new Publishing(session);
      return [result.statusCode.name, values(await taker.publish())];
    }),

  the_higher_priority_speaks_first: () =>
    subscribed(
      async (low, session) => {
        const high = new Publishing(session);
        await high.subscribe({ requestedPublishingInterval: 50, priority: 200 });
        await low.publish();
        await low.publish();
        await plant("set", LEVEL, 9);
        await low.monitor([low.item(twin(LEVEL))]);
        await high.monitor([high.item(twin(LEVEL))]);
        await pause(300);
        const first = await low.publish();
        const second = await low.publish();
        return [first.subscriptionId === high.id, second.subscriptionId === low.id];
      },
      { requestedPublishingInterval: 50, priority: 1 },
    ),

  a_message_fits_what_the_client_takes: () =>
    withSession(
      async (session) => {
        const publishing = new Publishing(session);
        await publishing.subscribe();
        await plant("set", LEVEL, 10);
        for (let call = 0; call < 4; call++)
          await publishing.monitor(Array.from({ length: 500 }, () => publishing.item(twin(LEVEL))));
        const counts = [];
        let more = true;
        while (more) {
          const one = await publishing.publish();
          if (one.fault) return one.fault;
          counts.push(changes(one).length);
          more = one.moreNotifications;
        }
        return counts;
      },
      { transportSettings: { maxChunkCount: 3, maxMessageSize: 20_000, receiveBufferSize: 8_192 } },
    ),

  the_clients_own_subscription_hears_every_change: () =>
    withSession(async (session) => {
      const subscription = ClientSubscription.create(session, {
        requestedPublishingInterval: 50,
        requestedLifetimeCount: 100,
        requestedMaxKeepAliveCount: 5,
        publishingEnabled: true,
      });
      await plant("set", HEALTH, 0);
      const item = await subscription.monitor(
        { nodeId: twin(HEALTH), attributeId: AttributeIds.Value },
        { samplingInterval: 10, queueSize: 100, discardOldest: true },
        TimestampsToReturn.Both,
      );
      const heard = [];
      item.on("changed", (one) => heard.push(one.value.value));
      for (let step = 1; step <= 10; step++) {
        await pause(30);
        await plant("set", HEALTH, step);
      }
      await pause(200);
      await subscription.terminate();
      return heard;
    }),

  items_can_be_listed_and_sent_again: () =>
    subscribed(async (publishing, session) => {
      await plant("set", LEVEL, 11);
      await publishing.monitor([publishing.item(twin(LEVEL), { clientHandle: 77 }), publishing.item("i=2259")]);
      await publishing.publish();
      const argument = { dataType: "UInt32", value: publishing.id };
      const listed = await session.getMonitoredItems(publishing.id);
      const call = (methodId) => session.call({ objectId: "i=2253", methodId, inputArguments: [argument] });
      const sent = await call("i=12873");
      const again = await publishing.publish();
      const stranger = await withSession(
        async (other) =>
          (await other.call({ objectId: "i=2253", methodId: "i=12873", inputArguments: [argument] })).statusCode.name,
      );
      return {
        handles: [[...listed.serverHandles], [...listed.clientHandles]],
        sent: sent.statusCode.name,
        again: values(again),
        stranger,
      };
    }),
});
