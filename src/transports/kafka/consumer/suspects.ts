import type { AttemptsMade } from "../../../core/event.ts";

/** Crashes at the same event that do not yet start a search for a poison pill. */
const UNSUSPICIOUS_CRASHES = 1;

/** How long other suspects wait: a poison pill ends the process soon, and other events may take their time. */
const MAX_TURN_MS = 10_000;

/** Whether to search for a poison pill among the events from the one on where work was last cut off. */
export function isSuspicious(past: AttemptsMade | undefined): past is AttemptsMade {
  return past !== undefined && past.crashes > UNSUSPICIOUS_CRASHES;
}

/** Lets partitions deliver one suspect at a time: if the process ended with several, all would be blamed. */
export class SuspectTurns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when the next suspect may be delivered, with a callback that ends its turn. */
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
