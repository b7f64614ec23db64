import { setTimeout as sleep } from "node:timers/promises";
import type { Row } from "../row.ts";

/** The only broker is away for a while, without having said so. */
export const brokerKilled: Row = {
  number: 6,
  fault: "the broker is killed by SIGKILL, and started again",
  short: { events: 5000, perSecond: 1000, faults: 1, faultMs: 1000 },
  long: { events: 200_000, perSecond: 2000, faults: 5, faultMs: 10_000 },
  limits: (world) => ({
    duplicates: world.lookahead(world.size.faults),
    // One whose connections broke joins anew, for which the group waits until its former self's session has run out.
    recoveryMs: world.sessionTimeoutMs + 10_000,
  }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 10] }]);
    const eventor = world.start();
    world.flow();
    const holdsNoMore = await world.holdings(eventor);
    for await (const _ of world.faultMoments()) {
      await world.fault("broker killed", async () => {
        await world.broker.kill();
        const awayMs = world.between(0, world.size.faultMs ?? 0);
        await sleep(awayMs);
        await world.broker.restart();
      });
    }
    await world.finishFlow();
    await holdsNoMore();
  },
};
