// Subscriptions by hand: every Publish is its own, so that a case sees each message as it was sent.
import {
  CreateMonitoredItemsRequest,
  CreateSubscriptionRequest,
  PublishRequest,
  RepublishRequest,
} from "node-opcua-client";
import { AttributeIds, transact } from "./lib.mjs";

export class Publishing {
  constructor(session) {
    this.session = session;
    this.handle = 0;
  }

  async subscribe(more = {}) {
    const response = await transact(
      this.session,
      new CreateSubscriptionRequest({
        requestedPublishingInterval: 50,
        requestedLifetimeCount: 10_000,
        requestedMaxKeepAliveCount: 1_000,
        maxNotificationsPerPublish: 0,
        publishingEnabled: true,
        priority: 0,
        ...more,
      }),
    );
    this.id ??= response.subscriptionId;
    return response;
  }

  item(nodeId, { filter = null, mode = 2, attributeId = AttributeIds.Value, indexRange = undefined, ...more } = {}) {
    return {
      itemToMonitor: { nodeId, attributeId, indexRange },
      monitoringMode: mode,
      requestedParameters: {
        clientHandle: ++this.handle,
        samplingInterval: 10,
        queueSize: 1,
        discardOldest: true,
        filter,
        ...more,
      },
    };
  }

  async monitor(itemsToCreate, { subscriptionId = this.id, timestampsToReturn = 2 } = {}) {
    return await transact(
      this.session,
      new CreateMonitoredItemsRequest({ subscriptionId, timestampsToReturn, itemsToCreate }),
    );
  }

  async publish(...acknowledged) {
    const subscriptionAcknowledgements = acknowledged.map((sequenceNumber) => ({
      subscriptionId: this.id,
      sequenceNumber,
    }));
    return await transact(this.session, new PublishRequest({ subscriptionAcknowledgements }));
  }

  async republish(retransmitSequenceNumber, subscriptionId = this.id) {
    return await transact(this.session, new RepublishRequest({ subscriptionId, retransmitSequenceNumber }));
  }
}

export const sequence = (response) => response.notificationMessage.sequenceNumber;
export const data = (response) => response.notificationMessage.notificationData ?? [];
export const changes = (response) =>
  data(response).flatMap((one) => (one.monitoredItems ?? []).map((item) => [item.clientHandle, item.value]));
export const values = (response) => changes(response).map(([, one]) => one.value?.value ?? null);
export const statuses = (response) => changes(response).map(([, one]) => one.statusCode.name);
export const events = (response) =>
  data(response).flatMap((one) => (one.events ?? []).map((event) => event.eventFields.map((field) => field.value)));
