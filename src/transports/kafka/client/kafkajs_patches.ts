/**
 * What kafkajs 2.2.4 needs changed to be used here. It has had no release since 2023, so its inner modules stay as they
 * are; its version is pinned.
 *
 * @module
 */
import type { Kafka } from "kafkajs";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { useAllCompressionCodecs } from "../records/compression/mod.ts";
import { useFetchedRecords } from "../consumer/fetch_response.ts";
import { callMembers } from "../consumer/group_members.ts";
import { useProduceRequests } from "../producer/produce_request.ts";
import { askBootstrapServers } from "./bootstrap_servers.ts";
import { watchBrokerAccess } from "./broker_access.ts";
import { boundResponseFrames } from "./bounded_responses.ts";
import { boundDecoder } from "./decoder_bounds.ts";
import { boundThrottling } from "./throttling.ts";
import { keepCoordinatorRefusals } from "./coordinator_refusal.ts";
import { keepLastBroker } from "./last_broker.ts";
import { useMonotonicClock } from "./monotonic_clock.ts";
import { outlastPartialOutages } from "./partial_outage.ts";
import { renewSaslSessions } from "./sasl_sessions.ts";
import { dropSilentConnections } from "./silent_connections.ts";

const MIN_THROTTLE_CHECK_MS = 10;

let patched = false;

/** What lies below producers, consumers and admin clients, as far as it is used here. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  findGroupCoordinator(group: { groupId: string }): Promise<Coordinator>;
}

/** The broker that keeps a group's offsets. */
export interface Coordinator {
  offsetCommit(commit: {
    groupId: string;
    memberId: string;
    groupGenerationId: number;
    topics: { topic: string; partitions: { partition: number; offset: string }[] }[];
  }): Promise<unknown>;
}

/** A cluster's own client, which kafkajs keeps to itself. */
export function createCluster(
  kafka: Kafka,
  options: { metadataMaxAge?: number; allowAutoTopicCreation?: boolean } = {},
): Cluster {
  const key = Object.getOwnPropertySymbols(kafka)
    .find(({ description }) => description === "private:Kafka:createCluster");
  if (key === undefined) throw new Error("kafkajs has changed: it creates no clusters any more");
  return Reflect.get(kafka, key)({
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    ...options,
  });
}

/** Changes kafkajs for this isolate; calling it again does nothing. Must come before the first client. */
export function patchKafkajs(): void {
  if (patched) return;
  patched = true;
  useMonotonicClock();
  useAllCompressionCodecs();
  useFetchedRecords();
  useProduceRequests();
  checkPendingRequestsOnDemand();
  boundDecoder();
  boundResponseFrames();
  boundThrottling();
  dropSilentConnections();
  keepLastBroker();
  outlastPartialOutages();
  renewSaslSessions();
  watchBrokerAccess();
  askBootstrapServers();
  keepCoordinatorRefusals();
  callMembers();
}

/**
 * As it comes, every connection looks for throttled requests a thousand times a second, for ever, even after it was
 * closed. It is needed only while there are such requests.
 *
 * @see https://github.com/tulios/kafkajs/issues/1751
 */
function checkPendingRequestsOnDemand(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function () {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    const delayMs = Math.max(this.throttledUntil - Date.now(), MIN_THROTTLE_CHECK_MS);
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    }, delayMs);
  };
}
