import { eventually } from "../../tests/support/eventually.ts";
import type { Row } from "../row.ts";
import type { World } from "../world.ts";

const SHUTDOWN_MS = 2000;
/** What leaving the group may take after that, on a busy machine. */
const LEAVE_MS = 3000 + 1000;
/** Several, so that more than one partition has something behind a call that hangs. */
const HANGING = 5;

/** The process is asked to end while some calls never do. */
export const hangingShutdown: Row = {
  number: 3,
  fault: "SIGTERM while 1 % of the calls hang",
  short: { events: 4000, perSecond: 800, faults: 1 },
  long: { events: 40_000, perSecond: 1000, faults: 5 },
  limits: (world) => ({
    duplicates: world.lookahead(world.size.faults),
    // What is behind a call that hangs is not committed, however many calls have finished there.
    onlyUnfinishedRepeat: true,
    recoveryMs: 10_000,
  }),
  async run(world) {
    const normal = { latencyMs: [0, 20] } as const;
    const start = () => world.start({ process: { shutdownTimeout: `${SHUTDOWN_MS}ms` } });
    await world.endpoint.behave([normal]);
    let eventor = start();
    world.flow();
    for await (const _ of world.faultMoments()) {
      const before = await hanging(world);
      await world.endpoint.behave([{ share: 0.01, answer: { kind: "hang" } }, normal]);
      await eventually(async () => await hanging(world) >= before + HANGING, {
        deadlineMs: 20_000,
        what: `${HANGING} calls that hang`,
      });
      await world.fault("SIGTERM while calls hang", async () => {
        const askedAt = performance.now();
        await world.stop(eventor, { maxMs: SHUTDOWN_MS + LEAVE_MS });
        const tookMs = performance.now() - askedAt;
        if (tookMs < SHUTDOWN_MS) world.finding(`no call hung: it ended after ${tookMs} ms`);
        await world.endpoint.behave([normal]);
        eventor = start();
      });
    }
    await world.finishFlow();
  },
};

async function hanging({ endpoint }: World): Promise<number> {
  return (await endpoint.calls()).filter(({ answer }) => answer === "hang").length;
}
