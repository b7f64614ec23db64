/**
 * Knows, for one partition, up to which offset everything has settled. Events start in the order of their offsets and
 * finish in any order; offsets may have gaps (compaction, control records).
 */
export class OffsetTracker {
  /** Started and not yet passed, in order; everything before `#head` has been passed. */
  #started: number[] = [];
  #head = 0;
  readonly #finished = new Set<number>();
  #end: number;

  /** @param nextOffset the first offset that was not settled before */
  constructor(nextOffset: number) {
    this.#end = nextOffset;
  }

  /** Everything below was handed out or does not exist. */
  get end(): number {
    return this.#end;
  }

  /** Everything below has settled: the offset to commit. */
  get committable(): number {
    return this.#started[this.#head] ?? this.#end;
  }

  /** How many events there are from the lowest unsettled one to the last one handed out. */
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

  /** Notes that there is nothing more to hand out below `nextOffset`. */
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

  /** Copying now and then keeps the memory bounded at a constant cost per event. */
  #forgetPassed(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#started.length) return;
    this.#started = this.#started.slice(this.#head);
    this.#head = 0;
  }
}
