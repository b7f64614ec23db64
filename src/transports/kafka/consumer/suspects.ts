import type { AttemptsMade } from "../../../core/event.ts";

/** So often, work on a partition's events may be cut off at the same one without its being looked into. */
const UNSUSPICIOUS_CRASHES = 1;

/** How long the others wait for a suspect: what ends the process does so soon, and what does not may take its time. */
const MAX_TURN_MS = 10_000;

/** Whether the event that ends the process has to be looked for among those behind the one where it was last cut off. */
export function isSuspicious(past: AttemptsMade | undefined): past is AttemptsMade {
  return past !== undefined && past.crashes > UNSUSPICIOUS_CRASHES;
}

/** One suspect after the other: were several under way when the process ends, they would all be taken for the one. */
export class SuspectTurns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when the next suspect may be delivered, with what says that it is settled. */
  async take(): Promise<() => void> {
    const previous = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await previous;
    const timer = setTimeout(resolve, MAX_TURN_MS);
    return () => {
      clearTimeout(timer);
      resolve();
    };
  }
}
