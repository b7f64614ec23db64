import { isAmong, type Rule } from "../endpoint_rules.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { withoutEviction } from "../endpoint_row.ts";
import { calledOften, calledTooSoon, misplaced, notAsAttempted } from "../examinations.ts";
import type { Row } from "../row.ts";

const POISON = { fromPercent: 0, toPercent: 1 };
const BUSY = { fromPercent: 1, toPercent: 2 };
const BUSY_UNTIL_DATE = { fromPercent: 2, toPercent: 3 };
const PAUSE_MS = 1000;
/** A date has whole seconds, and the answer is under way for a moment. */
const DATE_MS = PAUSE_MS + 1000;

const ALWAYS: readonly Rule[] = [
  { events: POISON, answer: { kind: "status", status: 422 } },
  {
    events: BUSY,
    firstAttempts: 1,
    answer: { kind: "status", status: 429, headers: { "retry-after": `${PAUSE_MS / 1000}` } },
  },
  {
    events: BUSY_UNTIL_DATE,
    firstAttempts: 1,
    answer: { kind: "status", status: 503, retryAtDateInMs: DATE_MS },
  },
  { share: 0.1, answer: { kind: "status", status: 500 } },
  { latencyMs: [0, 10] },
];

/** Each answer is heeded as what it is, and only events that deserve it end as dead letters. */
export const endpointErrors: Row = {
  number: 17,
  fault: "bursts of 500, 10 % of 500, 429 and 503 with Retry-After, 422 for 1 % of the events",
  short: { events: 4000, perSecond: 500, faults: 2, faultMs: 1000 },
  long: { events: 100_000, perSecond: 800, faults: 20, faultMs: 2000 },
  limits: () => ({ duplicates: 0, recoveryMs: 3000 }),
  async run(world) {
    await world.endpoint.behave(ALWAYS);
    const eventor = world.start({
      pipeline: {
        deadLetters: world.topics.deadLetters,
        handler: {
          // A burst must not use them up.
          retry: { maxAttempts: 30, initialDelay: "100ms", maxDelay: "500ms" },
          maxRetryAfter: "5s",
        },
      },
    });
    world.flow();
    await world.progress();
    const holdsNoMore = await world.holdings(eventor);
    await withoutEviction(world, async () => {
      for await (const _ of world.faultMoments()) {
        await world.fault("burst of 500", async () => {
          await world.endpoint.behave([
            ALWAYS[0]!,
            { answer: { kind: "status", status: 500 } },
          ]);
          await sleep(world.size.faultMs ?? 0);
          await world.endpoint.behave(ALWAYS);
        });
      }
      await world.finishFlow();
      await world.settle();
    });
    await holdsNoMore();
  },
  examine: (history, { topics }) => [
    ...misplaced(
      history,
      (event) => isAmong(event, POISON) ? topics.deadLetters : topics.results,
    ),
    ...notAsAttempted(history),
    ...calledOften(history, { isMeant: (event) => isAmong(event, POISON), most: 1 }),
    ...calledTooSoon(history, { answer: "429", pauseMs: PAUSE_MS }),
    ...calledTooSoon(history, { answer: "503", pauseMs: DATE_MS - 1000 }),
    ...["422", "429", "500", "503"].flatMap((status) =>
      history.calls.some(({ answer }) => answer === status) ? [] : [`no call met ${status}`]
    ),
  ],
};
