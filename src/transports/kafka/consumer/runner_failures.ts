/** The part of kafkajs's consumer `Runner` used here. */
export interface Runner {
  readonly consumerGroup: { getNodeIds(): readonly string[] };
  /** Fetches from one broker, and sends a heartbeat when one is due. */
  fetch(nodeId: string): Promise<object[]>;
  /** Runs the fetch loop until it ends, again after each failure. */
  retrier(run: Run): Promise<void>;
  /** Leaves the group if `running`, then emits the crash. */
  onCrash(error: Error): Promise<void>;
  running: boolean;
}

type Run = (
  bail: (error: Error) => void,
  retryCount: number,
  retryTimeMs: number,
) => Promise<void>;

/** Names of errors after which kafkajs never retries. */
const PROGRAM_ERRORS = new Set(["RangeError", "ReferenceError", "SyntaxError", "TypeError"]);

/**
 * Resets the failure count once every broker has been fetched from and due heartbeats have been answered. kafkajs
 * counts all failures since the last join: a few in a month end the consumer, and each lengthens the pauses.
 */
export function forgetOldFailures(runner: Runner): void {
  const { fetch, retrier, consumerGroup } = runner;
  const fetched = new Set<string>();
  let hasWorked = false;
  runner.fetch = async (nodeId) => {
    const batches = await fetch.call(runner, nodeId);
    fetched.add(nodeId);
    hasWorked ||= consumerGroup.getNodeIds().every((each) => fetched.has(each));
    return batches;
  };
  runner.retrier = (run) => {
    let firstPauseMs = 0;
    return retrier.call(runner, async (bail, retryCount, retryTimeMs) => {
      if (retryCount === 0) firstPauseMs = retryTimeMs;
      fetched.clear();
      hasWorked = false;
      try {
        await run(bail, retryCount, retryTimeMs);
      } catch (error) {
        if (!hasWorked || isFinal(error)) throw error;
        // kafkajs starts over when the run ends without an error.
        await new Promise((resolve) => setTimeout(resolve, firstPauseMs));
      }
    });
  };
}

/**
 * Completes `prepare` before a runner that cannot continue leaves the group. kafkajs reports a crash only when nothing
 * can be committed any more.
 */
export function announceCrash(runner: Runner, prepare: (error: Error) => Promise<void>): void {
  const { onCrash } = runner;
  runner.onCrash = async (error) => {
    const { running } = runner;
    const prepared = prepare(error);
    await Promise.resolve();
    // kafkajs has cleared `running` meanwhile, without which it would not leave the group.
    runner.running = running;
    await prepared;
    await onCrash.call(runner, error);
  };
}

/** Whether retrying cannot help. */
export function isFinal(error: unknown): boolean {
  const { retriable, name } = Object(error);
  return retriable === false || PROGRAM_ERRORS.has(name);
}
