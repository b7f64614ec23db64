import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../tests/support/eventually.ts";
import { RETRY, startWithAll, withoutEviction } from "../endpoint_row.ts";
import { misplaced, repeatedAttempts } from "../examinations.ts";
import type { Row } from "../row.ts";

const TIMEOUT_MS = 1000;
const CONCURRENCY = 64;
const MODES = ["hang", "headOnly"] as const;

/** The time for a call covers the body, too, and what hung is closed. */
export const endpointHangs: Row = {
  number: 14,
  fault: "the endpoint hangs: nothing at all, or headers and then nothing",
  short: { events: 4000, perSecond: 500, faults: 2, faultMs: 2500 },
  long: { events: 50_000, perSecond: 500, faults: 6, faultMs: 10_000 },
  limits: () => ({ duplicates: 0, recoveryMs: TIMEOUT_MS + 4000 }),
  async run(world) {
    const healthy = [{ latencyMs: [10, 30] as const }];
    await world.endpoint.behave(healthy);
    const eventor = startWithAll(world, {
      pipeline: {
        keys: { concurrency: CONCURRENCY },
        handler: { timeout: `${TIMEOUT_MS}ms`, retry: RETRY },
      },
    });
    world.flow();
    await world.progress();
    const before = await eventor.usage();
    await withoutEviction(world, async () => {
      for await (const number of world.faultMoments()) {
        const kind = MODES[number % MODES.length]!;
        await world.fault(kind, async () => {
          await world.endpoint.behave([{ answer: { kind } }]);
          await sleep(world.size.faultMs ?? 0);
          await world.endpoint.behave(healthy);
        });
      }
      await world.finishFlow();
      await world.settle();
    });
    await eventor.line(/no complete response within 1 s/);
    // Those that hung would be there besides those in use.
    const most = before.sockets + CONCURRENCY;
    let { sockets } = await eventor.usage();
    await eventually(async () => ({ sockets } = await eventor.usage()).sockets <= most, {
      what: () => `at most ${most} sockets, found ${sockets}`,
    });
    if (!world.isLong) return;
    await eventually(
      async () => ({ sockets } = await eventor.usage()).sockets <= before.sockets * 1.2,
      {
        deadlineMs: 60_000,
        what: () => `as many sockets as before (${before.sockets}), found ${sockets}`,
      },
    );
  },
  examine: (history, { topics }) => [
    ...misplaced(history, () => topics.results),
    ...repeatedAttempts(history),
    ...MODES.flatMap((mode) =>
      history.calls.some(({ answer }) => answer === mode) ? [] : [`no call met '${mode}'`]
    ),
  ],
};
