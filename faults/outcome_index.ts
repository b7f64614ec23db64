import type { Outcome, StoredEvent } from "./history.ts";

/** The outcomes of each event, in the order in which they were stored. */
export class OutcomeIndex {
  /** Outcomes of events that had one already. */
  readonly repeated: readonly Outcome[];
  /** Outcomes that name an event that is not there, or hold another's value. */
  readonly foreign: readonly Outcome[];
  readonly #first = new Map<number, Outcome>();
  readonly #before = new Map<Outcome, Outcome>();

  constructor(events: readonly StoredEvent[], outcomes: readonly Outcome[]) {
    const sequences = new Map(events.map((event) => [identity(event), event.sequence]));
    const isForeign = (outcome: Outcome) => {
      const sequence = sequences.get(identity(outcome));
      if (sequence === undefined) return true;
      return sequence !== null && outcome.sequence !== null && outcome.sequence !== sequence;
    };
    this.foreign = outcomes.filter(isForeign);
    const foreign = new Set(this.foreign);
    const latest = new Map<number, Outcome>();
    const repeated: Outcome[] = [];
    // By time between logs; within a log, sorting keeps the order in which it was read.
    for (const outcome of outcomes.toSorted((a, b) => a.stored.atMs - b.stored.atMs)) {
      if (foreign.has(outcome)) continue;
      const id = identity(outcome);
      const before = latest.get(id);
      latest.set(id, outcome);
      if (before === undefined) this.#first.set(id, outcome);
      else {
        repeated.push(outcome);
        this.#before.set(outcome, before);
      }
    }
    this.repeated = repeated;
  }

  firstOf(event: StoredEvent): Outcome | undefined {
    return this.#first.get(identity(event));
  }

  /** The outcome that the same event had before a repeated one. */
  before(repeated: Outcome): Outcome {
    const before = this.#before.get(repeated);
    if (before === undefined) throw new RangeError("the outcome repeats no other");
    return before;
  }
}

function identity({ partition, offset }: { partition: number; offset: number }): number {
  return partition * 2 ** 40 + offset;
}
