import type { PartitionLease } from "../../../src/transports/kafka/consumer/partition_lease.ts";
import type { Ordering } from "../../../src/core/ordering.ts";

/** One event of a partition that the model knows. */
export interface ModelEvent {
  readonly partition: number;
  readonly offset: number;
  /** Its place among the events of its partition. */
  readonly index: number;
  readonly key: string | null;
}

export interface ModelOptions {
  readonly ordering: Ordering;
  readonly concurrency: number;
  readonly maxLookahead: number;
  /** How many result processors an event's result goes to. */
  readonly processors: number;
}

/** `unpublished`: to be published again. */
type State = "called" | "failed" | "published" | "unpublished" | "settled";

/** What became of events between getting and giving up a partition. */
class Assignment {
  readonly lease: PartitionLease;
  /** Of the first event that had not settled before. */
  readonly startIndex: number;
  readonly states = new Map<ModelEvent, State>();
  /** How many of the result processors have an event's result. */
  readonly storedIn = new Map<ModelEvent, number>();
  /** All events of the assignment before it have settled. */
  lowestIndex: number;
  begunEnd = 0;
  /** Whether the lease was closed in this turn of the event loop: what was to start by then may only show now. */
  isJustClosed = false;
  /** Whether all was brought to an end that had begun before the lease was closed. */
  isIdle = false;

  constructor(lease: PartitionLease, startIndex: number) {
    this.lease = lease;
    this.startIndex = startIndex;
    this.lowestIndex = startIndex;
  }
}

/**
 * What is promised of order, commits and bounds, in plain words of its own: each call, each stored result and each
 * commit is held against it. An assignment is known by the signal that ends it, which is what calls are given.
 */
export class OrderModel {
  /** The first thing that must not happen and did. */
  violation: string | null = null;
  callsInFlight = 0;
  readonly #options: ModelOptions;
  readonly #events: readonly (readonly ModelEvent[])[];
  readonly #assignments = new Map<AbortSignal, Assignment>();
  /** For each result processor, how often it has stored the result of an event. */
  readonly #stored = new Map<ModelEvent, number[]>();
  /** For each partition, up to which event every result is stored everywhere. */
  readonly #storedEnd: number[];

  constructor(events: readonly (readonly ModelEvent[])[], options: ModelOptions) {
    this.#events = events;
    this.#options = options;
    this.#storedEnd = events.map(() => 0);
    for (const event of events.flat()) {
      this.#stored.set(event, Array<number>(options.processors).fill(0));
    }
  }

  isStored(event: ModelEvent): boolean {
    return this.#timesStored(event).every((times) => times > 0);
  }

  /** Whether every result is stored exactly once. */
  isEachStoredOnce(): boolean {
    return this.#events.flat().every((event) => this.#timesStored(event).every((n) => n === 1));
  }

  /** A partition was assigned; `nextOffset` was committed. */
  assign(lease: PartitionLease, partition: number, nextOffset: number): void {
    const startIndex = this.#partition(partition).findIndex(({ offset }) => offset >= nextOffset);
    const start = startIndex < 0 ? this.#partition(partition).length : startIndex;
    this.#assignments.set(lease.ended, new Assignment(lease, start));
  }

  callStarts(signal: AbortSignal, event: ModelEvent): void {
    const assignment = this.#assignment(signal);
    const { lease, states } = assignment;
    const what = `call for ${format(event)}`;
    const state = states.get(event);
    this.callsInFlight++;
    this.#check(this.callsInFlight <= this.#options.concurrency, `${what}: too many in flight`);
    this.#check(!lease.ended.aborted, `${what} after the end`);
    this.#check(state === undefined || state === "failed", `${what}, which was ${state} before`);
    this.#check(event.index >= assignment.startIndex, `${what}, which was committed before`);
    this.#check(
      event.index - assignment.lowestIndex < this.#options.maxLookahead,
      `${what} is too far ahead`,
    );
    this.#check(
      lease.isOpen || event.offset < assignment.begunEnd || assignment.isJustClosed,
      `${what} behind all that had begun, though the lease is not open`,
    );
    this.#check(lease.isOpen || !assignment.isIdle, `${what} after it was idle`);
    for (const before of this.#earlierOfKey(event, assignment)) {
      this.#check(states.get(before) === "settled", `${what} before ${format(before)} has settled`);
    }
    states.set(event, "called");
    assignment.begunEnd = Math.max(assignment.begunEnd, event.offset + 1);
  }

  callEnds(signal: AbortSignal, event: ModelEvent, { hasResult }: { hasResult: boolean }): void {
    this.callsInFlight--;
    this.#assignment(signal).states.set(event, hasResult ? "published" : "failed");
  }

  publishStarts(signal: AbortSignal, event: ModelEvent, processor: number): void {
    const { lease, states, storedIn, isJustClosed } = this.#assignment(signal);
    const what = `publication ${processor} of ${format(event)}`;
    this.#check(!lease.ended.aborted, `${what} after the end`);
    const state = states.get(event);
    this.#check(state === "published" || state === "unpublished", `${what}, which was ${state}`);
    this.#check(
      state === "published" || !lease.ending.aborted || isJustClosed,
      `${what} is repeated, though the lease is ending`,
    );
    states.set(event, "published");
    this.#check((storedIn.get(event) ?? 0) === processor, `${what} is repeated, or too early`);
  }

  publishFails(signal: AbortSignal, event: ModelEvent): void {
    this.#assignment(signal).states.set(event, "unpublished");
  }

  /** Another member, which has an assignment of its own, stored the results of an event. */
  storedElsewhere(event: ModelEvent): void {
    for (let processor = 0; processor < this.#options.processors; processor++) {
      this.#store(event, processor);
    }
  }

  /** A result was stored, and `isKnown` if that was acknowledged. */
  stored(
    signal: AbortSignal,
    event: ModelEvent,
    { processor, isKnown }: { processor: number; isKnown: boolean },
  ): void {
    this.#store(event, processor);
    if (!isKnown) return;
    const assignment = this.#assignment(signal);
    assignment.storedIn.set(event, processor + 1);
    if (processor + 1 === this.#options.processors) this.settles(signal, event);
  }

  /** All that is to become of an event has come about. */
  settles(signal: AbortSignal, event: ModelEvent): void {
    const assignment = this.#assignment(signal);
    const events = this.#partition(event.partition);
    assignment.states.set(event, "settled");
    for (;;) {
      const lowest = events[assignment.lowestIndex];
      if (lowest === undefined || assignment.states.get(lowest) !== "settled") break;
      assignment.lowestIndex++;
    }
  }

  /** An offset could be, or is, committed. */
  committable(partition: number, offset: number): void {
    const events = this.#partition(partition);
    let end = this.#storedEnd[partition] ?? 0;
    for (let next = events[end]; next && this.isStored(next); next = events[end]) end++;
    this.#storedEnd[partition] = end;
    const lowest = events[end];
    if (lowest === undefined) return;
    this.#check(
      offset <= lowest.offset,
      `commit of ${offset} before ${format(lowest)} is stored`,
    );
  }

  /** A lease was suspended, or is ending. */
  closed({ ended }: PartitionLease): void {
    const assignment = this.#assignment(ended);
    assignment.isJustClosed = true;
    assignment.isIdle = false;
  }

  /** All promises have settled that could. */
  turnEnds({ ended }: PartitionLease): void {
    this.#assignment(ended).isJustClosed = false;
  }

  /** Nothing is under way that a suspended or ending lease brings to an end. */
  idle({ ending, ended }: PartitionLease, committable: number): void {
    const assignment = this.#assignment(ended);
    const { states, begunEnd } = assignment;
    assignment.isIdle = true;
    let repeatedFrom = begunEnd;
    for (const [event, state] of states) {
      const isGivenUp = state === "failed" || state === "unpublished" && ending.aborted;
      this.#check(isGivenUp || state === "settled", `idle while ${format(event)} is ${state}`);
      if (isGivenUp) repeatedFrom = Math.min(repeatedFrom, event.offset);
    }
    this.#check(
      committable >= repeatedFrom,
      `idle at ${committable}, though what had begun before ${repeatedFrom} could have settled`,
    );
  }

  #store(event: ModelEvent, processor: number): void {
    const times = this.#timesStored(event);
    if (times[processor] === 0) {
      for (const before of this.#earlierOfKey(event, { startIndex: 0 })) {
        const what = `first result of ${format(event)} before that of ${format(before)}`;
        this.#check(this.isStored(before), what);
      }
    }
    times[processor] = (times[processor] ?? 0) + 1;
  }

  /** What has to be done before an event, the nearest first; what lies before that follows from it. */
  #earlierOfKey(
    event: ModelEvent,
    { startIndex }: Pick<Assignment, "startIndex">,
  ): readonly ModelEvent[] {
    const { ordering } = this.#options;
    if (ordering === "none") return [];
    const events = this.#partition(event.partition);
    for (let index = event.index - 1; index >= startIndex; index--) {
      const before = events[index];
      if (before && (ordering === "partition" || before.key === event.key)) return [before];
    }
    return [];
  }

  #partition(partition: number): readonly ModelEvent[] {
    return this.#events[partition] ?? [];
  }

  #assignment(signal: AbortSignal): Assignment {
    const assignment = this.#assignments.get(signal);
    if (assignment === undefined) throw new Error("The model knows no such assignment");
    return assignment;
  }

  #timesStored(event: ModelEvent): number[] {
    return this.#stored.get(event) ?? [];
  }

  #check(isRight: boolean, what: string): void {
    if (!isRight) this.violation ??= what;
  }
}

function format({ partition, offset, key }: ModelEvent): string {
  return `${partition}@${offset} (key ${key})`;
}
