import { assertEquals, assertThrows } from "@std/assert";
import { OffsetTracker } from "../../../../src/transports/kafka/consumer/offset_tracker.ts";
import { seededRandom } from "../../../support/seeded_random.ts";

type Step = { start: number } | { finish: number } | { skipTo: number };

const CASES: { what: string; from: number; steps: Step[]; committable: number; end: number }[] = [
  { what: "where it began, when nothing was started", from: 7, steps: [], committable: 7, end: 7 },
  {
    what: "the first event, when that has not settled",
    from: 0,
    steps: [{ start: 0 }, { start: 1 }, { finish: 1 }],
    committable: 0,
    end: 2,
  },
  {
    what: "the offset behind the last event, when all have settled",
    from: 0,
    steps: [{ start: 0 }, { start: 1 }, { finish: 1 }, { finish: 0 }],
    committable: 2,
    end: 2,
  },
  {
    what: "the lowest unsettled event, when later ones have settled",
    from: 10,
    steps: [{ start: 10 }, { start: 11 }, { start: 12 }, { finish: 10 }, { finish: 12 }],
    committable: 11,
    end: 13,
  },
  {
    what: "the next event and not the gap before it, when offsets have gaps",
    from: 10,
    steps: [{ start: 10 }, { start: 20 }, { finish: 10 }],
    committable: 20,
    end: 21,
  },
  {
    what: "the first event behind a gap at the beginning",
    from: 10,
    steps: [{ start: 15 }],
    committable: 15,
    end: 16,
  },
  {
    what: "behind what does not exist, when everything before has settled",
    from: 10,
    steps: [{ start: 10 }, { finish: 10 }, { skipTo: 30 }],
    committable: 30,
    end: 30,
  },
  {
    what: "the unsettled event, when what follows does not exist",
    from: 10,
    steps: [{ start: 10 }, { skipTo: 30 }],
    committable: 10,
    end: 30,
  },
  {
    what: "behind what does not exist, when the event before settles later",
    from: 10,
    steps: [{ start: 10 }, { skipTo: 30 }, { finish: 10 }],
    committable: 30,
    end: 30,
  },
  {
    what: "never back, when less is to be skipped than was",
    from: 10,
    steps: [{ skipTo: 30 }, { skipTo: 20 }],
    committable: 30,
    end: 30,
  },
];

for (const { what, from, steps, committable, end } of CASES) {
  Deno.test(`OffsetTracker commits ${what}`, () => {
    const tracker = new OffsetTracker(from);
    for (const step of steps) {
      if ("start" in step) tracker.start(step.start);
      else if ("finish" in step) tracker.finish(step.finish);
      else tracker.skipTo(step.skipTo);
    }
    assertEquals({ committable: tracker.committable, end: tracker.end }, { committable, end });
  });
}

Deno.test("OffsetTracker.start() refuses an offset that was handed out or skipped before", () => {
  const tracker = new OffsetTracker(10);
  assertThrows(() => tracker.start(9), RangeError, "Cannot start offset 9 as 10 is expected");
  tracker.start(10);
  assertThrows(() => tracker.start(10), RangeError);
  tracker.skipTo(20);
  assertThrows(() => tracker.start(19), RangeError);
  assertEquals(tracker.committable, 10);
});

Deno.test("OffsetTracker.span counts events from the lowest unsettled one on, and no gaps", () => {
  const tracker = new OffsetTracker(10);
  const spans = [tracker.span];
  for (const offset of [10, 20, 30]) tracker.start(offset);
  tracker.skipTo(40);
  spans.push(tracker.span);
  for (const offset of [20, 30, 10]) {
    tracker.finish(offset);
    spans.push(tracker.span);
  }
  assertEquals(spans, [0, 3, 3, 3, 0]);
});

Deno.test("OffsetTracker commits what a naive model does, in 10,000 random orders with gaps", () => {
  for (let seed = 0; seed < 10_000; seed++) {
    const random = seededRandom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const from = below(5);
    const tracker = new OffsetTracker(from);
    const model = new NaiveModel(from);
    for (let steps = below(60); steps > 0; steps--) {
      const choice = random();
      const unfinished = model.unfinished();
      if (choice < 0.45) {
        const offset = model.end + (random() < 0.2 ? below(10) : 0);
        tracker.start(offset);
        model.start(offset);
      } else if (choice < 0.55) {
        const offset = model.end + below(8) - 3;
        tracker.skipTo(offset);
        model.skipTo(offset);
      } else if (unfinished.length > 0) {
        const offset = unfinished[below(unfinished.length)] ?? 0;
        tracker.finish(offset);
        model.finish(offset);
      }
      assertEquals(
        [tracker.committable, tracker.end],
        [model.committable(), model.end],
        `seed ${seed}`,
      );
    }
  }
});

Deno.test("OffsetTracker commits right over a long time, with many events under way", () => {
  const random = seededRandom(1);
  const tracker = new OffsetTracker(0);
  const unfinished: number[] = [];
  for (let offset = 0; offset < 50_000; offset++) {
    tracker.start(offset);
    unfinished.push(offset);
    if (unfinished.length < 100) continue;
    // The first of them stays long enough for later ones to pile up behind it.
    const index = Math.floor(random() * 100);
    const [finished = 0] = unfinished.splice(index, 1);
    tracker.finish(finished);
    if (tracker.committable !== unfinished[0]) {
      throw new Error(`${tracker.committable} and not ${unfinished[0]} at ${offset}`);
    }
  }
  for (const offset of unfinished) tracker.finish(offset);
  assertEquals(tracker.committable, 50_000);
});

/** Every offset with what is known of it: slow and plain. */
class NaiveModel {
  readonly #settled = new Map<number, boolean>();
  end: number;

  constructor(from: number) {
    this.end = from;
  }

  start(offset: number): void {
    this.#settled.set(offset, false);
    this.end = offset + 1;
  }

  skipTo(offset: number): void {
    if (offset > this.end) this.end = offset;
  }

  finish(offset: number): void {
    this.#settled.set(offset, true);
  }

  unfinished(): number[] {
    return [...this.#settled].filter(([, settled]) => !settled).map(([offset]) => offset);
  }

  committable(): number {
    return Math.min(this.end, ...this.unfinished());
  }
}
