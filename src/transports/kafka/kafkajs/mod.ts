/**
 * All that depends on kafkajs's inner classes. kafkajs 2.2.4 has had no release since 2023, and its version is pinned,
 * so these do not change.
 *
 * Each member is replaced once, by a function that calls kafkajs's own in its middle. So the order of the replacements
 * does not matter, and the order of steps in a call stands in that function.
 *
 * @module
 */
import { useAllCompressionCodecs } from "./compression_codecs.ts";
import { BROKER } from "./broker.ts";
import { BROKER_POOL } from "./broker_pool.ts";
import { CLUSTER } from "./cluster.ts";
import { CONNECTION, CONNECTION_POOL } from "./connection.ts";
import { CONSUMER_GROUP, MEMBER_ASSIGNMENT } from "./consumer_group.ts";
import { DECODER } from "./decoder.ts";
import { ENCODER } from "./encoder.ts";
import { replaceMembers, replacement } from "./replacement.ts";
import { REQUEST_QUEUE } from "./request_queue.ts";
import { REQUESTS } from "./requests.ts";
import { RUNNER } from "./runner.ts";
import { SASL_AUTHENTICATOR } from "./sasl_authenticator.ts";

/**
 * kafkajs measures durations with `Date.now()`, which this makes monotonic. If the system clock were set back, kafkajs
 * would consume on without heartbeats until the clock caught up. If it were set forward, every request in flight would
 * seem to have timed out. `new Date()` still gives the system time.
 */
const CLOCK = replacement("Date", Date, {
  now: () => Math.round(performance.timeOrigin + performance.now()),
});

/** All members that eventor replaces. */
export const REPLACEMENTS = [
  CLOCK,
  DECODER,
  ENCODER,
  REQUESTS,
  CONNECTION,
  CONNECTION_POOL,
  REQUEST_QUEUE,
  SASL_AUTHENTICATOR,
  BROKER,
  BROKER_POOL,
  CLUSTER,
  CONSUMER_GROUP,
  MEMBER_ASSIGNMENT,
  RUNNER,
];

let isPatched = false;

/**
 * Changes kafkajs in this isolate, once. Call it before creating a client.
 *
 * @throws {Error} when kafkajs lacks a member that is to be replaced
 */
export function patchKafkajs(): void {
  if (isPatched) return;
  replaceMembers(REPLACEMENTS);
  useAllCompressionCodecs();
  isPatched = true;
}
