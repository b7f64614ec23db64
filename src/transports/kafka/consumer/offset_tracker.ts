/**
 * Tracks the offset of a partition up to which all events have settled. Events start in offset order and finish in any
 * order; offsets may have gaps (compaction, control records).
 */
export class OffsetTracker {
  /** Started offsets in order. Those before `#head` have been passed. */
  #started: number[] = [];
  #head = 0;
  readonly #finished = new Set<number>();
  #end: number;

  /** @param nextOffset the lowest unsettled offset */
  constructor(nextOffset: number) {
    this.#end = nextOffset;
  }

  /** All events below were handed out or do not exist. */
  get end(): number {
    return this.#end;
  }

  /** The offset to commit: all events below have settled. */
  get committable(): number {
    return this.#started[this.#head] ?? this.#end;
  }

  /** Number of events from the lowest unsettled one to the last one handed out. */
  get span(): number {
    return this.#started.length - this.#head;
  }

  /** Notes that the event at `offset` was handed out. */
  start(offset: number): void {
    if (offset < this.#end) {
      throw new RangeError(`Cannot start offset ${offset} as ${this.#end} is expected at least`);
    }
    this.#started.push(offset);
    this.#end = offset + 1;
  }

  /** Notes that no event below `nextOffset` is left to hand out. */
  skipTo(nextOffset: number): void {
    this.#end = Math.max(this.#end, nextOffset);
  }

  /** Notes that the event at `offset` has settled. */
  finish(offset: number): void {
    this.#finished.add(offset);
    for (;;) {
      const lowest = this.#started[this.#head];
      if (lowest === undefined || !this.#finished.delete(lowest)) break;
      this.#head++;
    }
    this.#forgetPassed();
  }

  /** Copies only now and then: bounded memory at a constant cost per event. */
  #forgetPassed(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#started.length) return;
    this.#started = this.#started.slice(this.#head);
    this.#head = 0;
  }
}
