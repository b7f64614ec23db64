import { startWithAll, withoutEviction } from "../endpoint_row.ts";
import { beyondLookahead, misplaced, shareLater } from "../examinations.ts";
import type { Outcome, StoredEvent } from "../history.ts";
import type { Row } from "../row.ts";

const TIMEOUT_MS = 400;
/**
 * One of a hundred, each with fewer events than there is time for, by twice at least. The most frequent key (0) would
 * have more; sooner or later a bounded look-ahead is full behind such a key, whatever is done.
 */
const SLOW_KEYS = Array.from({ length: 10 }, (_, number) => `key-${(number + 1) * 97}`);
const SLOW = new Set(SLOW_KEYS);
/** How long an event of another key may take that has nothing to wait for, on a busy machine. */
const PROMPT_MS = 2000;
const MOST_LATER = 0.05;

/**
 * Events that take too long use up their attempts. They hold up those of their keys, and no others.
 *
 * An attempt counts only while others are answered, so the endpoint is well again once all has been sent.
 */
export const endpointSlow: Row = {
  number: 15,
  fault: "the endpoint takes twice the timeout for 1 % of the keys",
  short: { events: 3000, perSecond: 300, faults: 1 },
  long: { events: 60_000, perSecond: 400, faults: 1 },
  limits: () => ({ duplicates: 0, stallMs: 3000, recoveryMs: 3000 }),
  async run(world) {
    const prompt = { latencyMs: [0, 20] as const };
    await world.endpoint.behave([
      { keys: SLOW_KEYS, latencyMs: [2 * TIMEOUT_MS, 2 * TIMEOUT_MS] },
      prompt,
    ]);
    const eventor = startWithAll(world, {
      pipeline: {
        handler: {
          timeout: `${TIMEOUT_MS}ms`,
          retry: { maxAttempts: 2, initialDelay: "50ms", maxDelay: "50ms" },
        },
      },
    });
    // Whoever waits for the start of a member waits for that, and for no other key.
    await world.source.send(100);
    await world.progress(0);
    world.flow();
    await withoutEviction(world, async () => {
      await world.fault("slow keys", async () => {
        await world.finishFlow();
        await world.endpoint.behave([prompt]);
      });
      await world.settle();
    });
    await eventor.line(/dead letter of .*no complete response within 0.4 s/);
  },
  examine(history, { topics, maxLookahead }) {
    const [slowness] = history.faults;
    const isMeant = ({ key, atMs }: StoredEvent) =>
      !SLOW.has(key) && atMs >= (slowness?.beganAtMs ?? 0);
    const later = shareLater(history, { isMeant, ms: PROMPT_MS });
    const isWell = ({ stored }: Outcome) => stored.atMs >= (slowness?.endedAtMs ?? Infinity);
    // The last of a slow key may have been called before and after.
    const topicOf = ({ key }: StoredEvent, outcome: Outcome) =>
      !SLOW.has(key) ? topics.results : isWell(outcome) ? outcome.stored.topic : topics.deadLetters;
    return [
      ...misplaced(history, topicOf),
      ...beyondLookahead(history, maxLookahead),
      ...later <= MOST_LATER ? [] : [
        `${
          (later * 100).toFixed(1)
        } % of the events of other keys took longer than ${PROMPT_MS} ms`,
      ],
    ];
  },
};
