/** What kafkajs's runner of a consumer has, as far as it is used here. */
export interface Runner {
  readonly consumerGroup: { getNodeIds(): readonly string[] };
  /** Fetches from one broker, and sends a heartbeat when one is due. */
  fetch(nodeId: string): Promise<object[]>;
  /** Runs what fetches until it ends, again and again when it fails. */
  retrier(run: Run): Promise<void>;
  /** Has it leave the group if it runs, and tells of its end. */
  onCrash(error: Error): Promise<void>;
  running: boolean;
}

type Run = (
  bail: (error: Error) => void,
  retryCount: number,
  retryTimeMs: number,
) => Promise<void>;

/** kafkajs never repeats what has failed with one of these. */
const PROGRAM_ERRORS = new Set(["RangeError", "ReferenceError", "SyntaxError", "TypeError"]);

/**
 * Has failures count anew once each broker was fetched from, and heartbeats that were due have been answered. As it
 * comes, kafkajs counts all failures since it last joined the group: a few in a month end the consumer, and each pauses
 * it for longer than the one before.
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
        // To end without an error is what makes kafkajs begin anew.
        await new Promise((resolve) => setTimeout(resolve, firstPauseMs));
      }
    });
  };
}

/**
 * Has `prepare` run to its end before a runner that cannot go on leaves the group. As it comes, kafkajs tells of that only
 * when nothing can be committed any more.
 */
export function announceCrash(runner: Runner, prepare: (error: Error) => Promise<void>): void {
  const { onCrash } = runner;
  runner.onCrash = async (error) => {
    const { running } = runner;
    const prepared = prepare(error);
    await Promise.resolve();
    // kafkajs has noted meanwhile that it does not run; whoever does not run would not leave.
    runner.running = running;
    await prepared;
    await onCrash.call(runner, error);
  };
}

/** Whether a failure cannot pass by itself. */
export function isFinal(error: unknown): boolean {
  const { retriable, name } = Object(error);
  return retriable === false || PROGRAM_ERRORS.has(name);
}
