/**
 * Patches kafkajs 2.2.4. It has had no release since 2023, and its version is pinned, so its internal modules do not
 * change.
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

/** kafkajs's internal client, which its producers, consumers and admin clients use; only the members used here. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  findGroupCoordinator(group: { groupId: string }): Promise<Coordinator>;
}

/** The coordinator of a consumer group. */
export interface Coordinator {
  offsetCommit(commit: {
    groupId: string;
    memberId: string;
    groupGenerationId: number;
    topics: { topic: string; partitions: { partition: number; offset: string }[] }[];
  }): Promise<unknown>;
}

/** Creates an internal client, which kafkajs's public API does not expose. `metadataMaxAge` is in milliseconds. */
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

/** Patches kafkajs in this isolate, once. Call it before creating a client. */
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
 * Checks for throttled requests only while there are some. Unpatched, each connection checks a thousand times a second
 * for ever, even after it is closed.
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
