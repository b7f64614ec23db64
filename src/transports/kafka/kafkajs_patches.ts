/**
 * What kafkajs 2.2.4 needs changed to be used here. It has had no release since 2023, so its inner modules stay as they
 * are; its version is pinned.
 *
 * @module
 */
import ConsumerGroup from "kafkajs/src/consumer/consumerGroup.js";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { useAllCompressionCodecs } from "./compression.ts";
import { useHeaderLists } from "./record_headers.ts";

const MIN_THROTTLE_CHECK_MS = 10;

/** Called before a member of a group joins it anew, while it still may commit. */
export type BeforeRejoin = () => Promise<void>;

const beforeRejoinOfGroup = new Map<string, BeforeRejoin>();
/** An OffsetManager stands for one assignment of one consumer. */
const assignmentOfBatch = new WeakMap<object, object>();
const givenUpAssignments = new WeakSet<object>();
let patched = false;

/** Changes kafkajs for this isolate; calling it again does nothing. Must come before the first client. */
export function patchKafkajs(): void {
  if (patched) return;
  patched = true;
  useAllCompressionCodecs();
  useHeaderLists();
  checkPendingRequestsOnDemand();
  announceRejoins();
  rememberAssignments();
}

/**
 * Has `beforeRejoin` called whenever the consumer of `groupId` in this isolate is about to join again, on every path
 * that leads there. kafkajs itself tells only afterwards that partitions are gone.
 */
export function onRejoin(groupId: string, beforeRejoin: BeforeRejoin): void {
  beforeRejoinOfGroup.set(groupId, beforeRejoin);
}

/**
 * Whether a batch was fetched for an assignment that its consumer has given up since. With several brokers, the fetch
 * from one can still be under way when the answer of another makes the consumer join again.
 */
export function isGivenUp(batch: object): boolean {
  const assignment = assignmentOfBatch.get(batch);
  return assignment === undefined || givenUpAssignments.has(assignment);
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

function announceRejoins(): void {
  const { joinAndSync } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.joinAndSync = async function () {
    if (this.offsetManager !== null) {
      givenUpAssignments.add(this.offsetManager);
      await beforeRejoinOfGroup.get(this.groupId)?.();
    }
    return await joinAndSync.call(this);
  };
}

function rememberAssignments(): void {
  const { fetch } = ConsumerGroup.prototype;
  ConsumerGroup.prototype.fetch = async function (nodeId: string) {
    const assignment = this.offsetManager;
    const batches: object[] = await fetch.call(this, nodeId);
    for (const batch of batches) assignmentOfBatch.set(batch, assignment);
    return batches;
  };
}
