import type { Row } from "../row.ts";

/** A process that ends without a chance to do anything. */
export const killed: Row = {
  number: 4,
  fault: "eventor is killed by SIGKILL, and started again",
  short: { events: 5000, perSecond: 1000, faults: 1 },
  long: { events: 200_000, perSecond: 1000, faults: 20 },
  limits: (world) => ({
    duplicates: world.lookahead(world.size.faults),
    onlyKilledRepeat: true,
    // The group waits for the killed member until its session has run out.
    recoveryMs: world.sessionTimeoutMs + 10_000,
  }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 40] }]);
    let eventor = world.start();
    world.flow();
    for await (const _ of world.faultMoments()) {
      await world.fault("SIGKILL", async () => {
        await world.kill(eventor);
        eventor = world.start();
      });
    }
    await world.finishFlow();
  },
};
