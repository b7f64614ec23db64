import type { KafkaMessage } from "kafkajs";
import { LeaseController } from "../../lease.ts";
import { OffsetTracker } from "./offset_tracker.ts";

/** What the pipeline holds of a partition at most. One fetch can bring far more; the rest of it waits as it came. */
const MAX_EVENTS = 64;
const MAX_BYTES = 4 * 1024 * 1024;

/** After how many messages those that were taken are let go of. */
const FORGET_AFTER = 256;

/** What this member holds of one partition between getting and giving it up. */
export class AssignedPartition {
  readonly partition: number;
  /** Ends when the partition is given up. */
  readonly lease = new LeaseController();
  readonly tracker: OffsetTracker;
  /** The offset last committed, to commit only what moved. */
  committed: number;
  /** Set while fetching is paused. */
  resume: (() => void) | null = null;
  #waiting: KafkaMessage[] = [];
  #nextWaiting = 0;
  #events = 0;
  #bytes = 0;
  #idle: PromiseWithResolvers<void> | null = null;

  /** @param nextOffset the first offset that was not settled before */
  constructor(partition: number, nextOffset: number) {
    this.partition = partition;
    this.tracker = new OffsetTracker(nextOffset);
    this.committed = nextOffset;
  }

  /** Whether messages wait until the pipeline has room for them. */
  get hasWaiting(): boolean {
    return this.#nextWaiting < this.#waiting.length;
  }

  /** Takes messages that were fetched, in the order of their offsets; none is committed before it has settled. */
  enqueue(messages: readonly KafkaMessage[]): void {
    for (const message of messages) {
      this.tracker.start(Number(message.offset));
      this.#waiting.push(message);
    }
  }

  /** The next message that the pipeline has room for, if there is one and the partition is not being given up. */
  dequeue(): KafkaMessage | undefined {
    const isFull = this.#events >= MAX_EVENTS || this.#bytes >= MAX_BYTES;
    if (isFull || this.lease.ending.aborted) return undefined;
    const message = this.#waiting[this.#nextWaiting];
    if (message !== undefined && ++this.#nextWaiting >= FORGET_AFTER) {
      this.#waiting = this.#waiting.slice(this.#nextWaiting);
      this.#nextWaiting = 0;
    }
    return message;
  }

  /** Notes that an event of so many bytes was handed to the pipeline. */
  add(bytes: number): void {
    this.#events++;
    this.#bytes += bytes;
  }

  /** Notes that the pipeline is done with an event, settled or not. */
  remove(bytes: number): void {
    this.#events--;
    this.#bytes -= bytes;
    if (this.#events > 0) return;
    this.#idle?.resolve();
    this.#idle = null;
  }

  /** Fetching goes on, if it was paused. */
  resumeFetching(): void {
    this.resume?.();
    this.resume = null;
  }

  /** Resolves when the pipeline holds no event of this partition. */
  async idle(): Promise<void> {
    if (this.#events === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }
}
