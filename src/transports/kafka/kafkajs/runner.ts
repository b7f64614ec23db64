import RunnerOfKafkajs from "kafkajs/src/consumer/runner.js";
import { isFinal } from "../client/client_failure.ts";
import { consumerOf } from "./consumers.ts";
import { replaceMembers, replacement } from "./replacement.ts";

/** The members of kafkajs's consumer Runner used here. */
interface Runner {
  readonly consumerGroup: { readonly groupId: string; getNodeIds(): readonly string[] };
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

const { start } = RunnerOfKafkajs.prototype;

export const RUNNER = replacement("Runner", RunnerOfKafkajs.prototype, {
  /** Replaces members of this runner, which its constructor sets. */
  async start(this: Runner): Promise<void> {
    const { consumerGroup } = this;
    const consumer = consumerOf(consumerGroup);
    if (consumer !== undefined) {
      const onCrash = announceCrash(this, (error) => consumer.crashed(consumerGroup, error));
      replaceMembers([replacement("Runner", this, { ...forgetOldFailures(this), onCrash })]);
    }
    await start.call(this);
  },
});

/**
 * Resets the failure count once every broker has been fetched from and due heartbeats have been answered. kafkajs
 * counts all failures since the last join: a few in a month end the consumer, and each lengthens the pauses.
 */
function forgetOldFailures(runner: Runner): Pick<Runner, "fetch" | "retrier"> {
  const { fetch, retrier, consumerGroup } = runner;
  const fetched = new Set<string>();
  let hasWorked = false;
  return {
    async fetch(nodeId) {
      const batches = await fetch.call(runner, nodeId);
      fetched.add(nodeId);
      hasWorked ||= consumerGroup.getNodeIds().every((each) => fetched.has(each));
      return batches;
    },
    retrier(run) {
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
    },
  };
}

/**
 * Completes `prepare` before a runner that cannot continue leaves the group. kafkajs reports a crash only when nothing
 * can be committed any more.
 */
function announceCrash(
  runner: Runner,
  prepare: (error: Error) => Promise<void>,
): Runner["onCrash"] {
  const { onCrash } = runner;
  return async (error) => {
    const { running } = runner;
    const prepared = prepare(error);
    await Promise.resolve();
    // kafkajs has set `running` to false meanwhile. It leaves the group only if it is true.
    runner.running = running;
    await prepared;
    await onCrash.call(runner, error);
  };
}
