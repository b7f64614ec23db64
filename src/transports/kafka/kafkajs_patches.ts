/**
 * What kafkajs 2.2.4 needs changed to be used here. It has had no release since 2023, so its inner modules stay as they
 * are; its version is pinned.
 *
 * @module
 */
import type { Kafka } from "kafkajs";
import ConsumerGroup from "kafkajs/src/consumer/consumerGroup.js";
import OffsetManager from "kafkajs/src/consumer/offsetManager/index.js";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { useAllCompressionCodecs } from "./compression/mod.ts";
import { useFetchedRecords } from "./fetch_response.ts";
import { useProduceRequests } from "./produce_request.ts";
import { useMonotonicClock } from "./monotonic_clock.ts";
import { dropSilentConnections } from "./silent_connections.ts";

const MIN_THROTTLE_CHECK_MS = 10;

/** How long a fetch may wait for records while fetching of another partition is paused. */
const MAX_WAIT_WHILE_PAUSED_MS = 50;

/** Called before a member of a group joins it anew, while it still may commit. */
export type BeforeRejoin = () => Promise<void>;

const beforeRejoinOfGroup = new Map<string, BeforeRejoin>();
/** An OffsetManager stands for one assignment of one consumer. */
const assignmentOfBatch = new WeakMap<object, object>();
const givenUpAssignments = new WeakSet<object>();
let patched = false;

/** Called when the offset of a partition was out of range and kafkajs has gone back to the topic's first. */
export type OffsetReset = (topic: string, partition: number) => void;

const offsetResetOfGroup = new Map<string, OffsetReset>();

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
  dropSilentConnections();
  announceRejoins();
  rememberAssignments();
  resumeSoon();
  announceOffsetResets();
}

/**
 * Has `beforeRejoin` called whenever the consumer of `groupId` in this isolate is about to join again, on every path
 * that leads there. kafkajs itself tells only afterwards that partitions are gone.
 */
export function onRejoin(groupId: string, beforeRejoin: BeforeRejoin): void {
  beforeRejoinOfGroup.set(groupId, beforeRejoin);
}

/** Has `offsetReset` called for the partitions of the consumer of `groupId` in this isolate. */
export function onOffsetReset(groupId: string, offsetReset: OffsetReset): void {
  offsetResetOfGroup.set(groupId, offsetReset);
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
  const joining = new WeakMap<object, Promise<void>>();

  async function join(group: ConsumerGroup): Promise<void> {
    if (group.offsetManager !== null) {
      givenUpAssignments.add(group.offsetManager);
      await beforeRejoinOfGroup.get(group.groupId)?.();
    }
    await joinAndSync.call(group);
  }

  // Fetches from several brokers can ask for it at the same time; a second join would make the first one's assignment
  // void without giving it up.
  ConsumerGroup.prototype.joinAndSync = function (): Promise<void> {
    const running = joining.get(this);
    if (running !== undefined) return running;
    const started = join(this).finally(() => joining.delete(this));
    joining.set(this, started);
    return started;
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

/** A partition that is resumed is asked for with the next fetch only, and the one under way can wait for long. */
function resumeSoon(): void {
  const { fetch } = ConsumerGroup.prototype;
  const configuredWait = new WeakMap<object, number>();
  ConsumerGroup.prototype.fetch = function (nodeId: string) {
    const maxWaitTime = configuredWait.get(this) ?? this.maxWaitTime;
    configuredWait.set(this, maxWaitTime);
    this.maxWaitTime = this.paused().length > 0
      ? Math.min(maxWaitTime, MAX_WAIT_WHILE_PAUSED_MS)
      : maxWaitTime;
    return fetch.call(this, nodeId);
  };
}

function announceOffsetResets(): void {
  const { setDefaultOffset } = OffsetManager.prototype;
  OffsetManager.prototype.setDefaultOffset = async function (
    { topic, partition }: { topic: string; partition: number },
  ) {
    await setDefaultOffset.call(this, { topic, partition });
    offsetResetOfGroup.get(this.groupId)?.(topic, partition);
  };
}
