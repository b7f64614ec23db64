import type { Misbehaviour, Rule } from "../endpoint_rules.ts";
import { RETRY, startWithAll, withoutEviction } from "../endpoint_row.ts";
import { misplacedByAnswer, notAsAttempted } from "../examinations.ts";
import type { Row } from "../row.ts";

/** What brings no whole response: the call is made again. */
const BROKEN_OFF = ["reset", "close", "truncated"] as const;
/** What is an answer, and cannot be used. */
const UNUSABLE = ["garbage", "doubleHead", "twoLengths"] as const;
const KINDS = [...BROKEN_OFF, ...UNUSABLE];
const SHARE = 0.02;
/** Of those whose request is sent again at once, at first: enough that some meet one twice. */
const UNANSWERED_SHARE = 0.05;

/** What has not come in full is asked for again; what cannot be used is an error. */
export const endpointBroken: Row = {
  number: 16,
  fault: "the endpoint resets, closes, or sends what cannot be used",
  short: { events: 4000, perSecond: 500, faults: 0 },
  long: { events: 100_000, perSecond: 1000, faults: 0 },
  limits: () => ({ duplicates: 0, stallMs: 5000 }),
  async run(world) {
    const shareOf = (kind: Misbehaviour["kind"]) =>
      kind === "reset" || kind === "close" ? UNANSWERED_SHARE : SHARE;
    const broken = (kind: Misbehaviour["kind"]) =>
      ({ share: shareOf(kind), answer: { kind } }) as Rule;
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
    for (const said of ["no response .*: connection (reset|closed)", "response cut off"]) {
      await eventor.line(new RegExp(`${said}.*; trying again`));
    }
    await holdsNoMore();
  },
  examine: (history, { topics }) => [
    ...misplacedByAnswer(
      history,
      (answer) => UNUSABLE.some((kind) => kind === answer) ? topics.errors : topics.results,
    ),
    ...notAsAttempted(history),
    ...KINDS.flatMap((kind) =>
      history.calls.some(({ answer }) => answer === kind) ? [] : [`no call met '${kind}'`]
    ),
  ],
};
