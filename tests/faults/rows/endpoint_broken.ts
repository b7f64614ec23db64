import type { Misbehaviour, Rule } from "../endpoint_rules.ts";
import { RETRY, startWithAll, withoutEviction } from "../endpoint_row.ts";
import { misplaced, notAsAttempted } from "../examinations.ts";
import type { Row } from "../row.ts";

const KINDS = ["reset", "close", "garbage", "truncated", "doubleHead", "twoLengths"] as const;
const SHARE = 0.02;

/** What is no response is none: the call is made again, by eventor and by nobody else. */
export const endpointBroken: Row = {
  number: 16,
  fault: "the endpoint resets, closes, or sends what is no response",
  short: { events: 4000, perSecond: 500, faults: 0 },
  long: { events: 100_000, perSecond: 1000, faults: 0 },
  limits: () => ({ duplicates: 0, stallMs: 5000 }),
  async run(world) {
    const broken = (kind: Misbehaviour["kind"]) => ({ share: SHARE, answer: { kind } }) as Rule;
    await world.endpoint.behave(KINDS.map(broken));
    const eventor = startWithAll(world, { pipeline: { handler: { retry: RETRY } } });
    world.flow();
    await world.progress();
    const holdsNoMore = await world.holdings(eventor);
    await withoutEviction(world, async () => {
      await world.finishFlow();
      await world.settle();
    });
    // Not every kernel tells a reset from an end.
    for (const said of ["connection (reset|closed)", "broken off", "no valid HTTP response"]) {
      await eventor.line(new RegExp(`${said}.*; trying again`));
    }
    await holdsNoMore();
  },
  examine: (history, { topics }) => [
    ...misplaced(history, () => topics.results),
    ...notAsAttempted(history),
    ...KINDS.flatMap((kind) =>
      history.calls.some(({ answer }) => answer === kind) ? [] : [`no call met '${kind}'`]
    ),
  ],
};
