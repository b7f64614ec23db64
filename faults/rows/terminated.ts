import type { Row } from "../row.ts";

/** A rolling update: the process is asked to end while it is busy, and another one follows. */
export const terminated: Row = {
  number: 2,
  fault: "eventor is ended by SIGTERM in mid-flight, and started again",
  short: { events: 5000, perSecond: 1000, faults: 2 },
  long: { events: 200_000, perSecond: 2000, faults: 20 },
  limits: () => ({ duplicates: 0, recoveryMs: 10_000 }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 40] }]);
    let eventor = world.start();
    world.flow();
    for await (const _ of world.faultMoments()) {
      await world.fault("SIGTERM", async () => {
        await world.stop(eventor, { maxMs: 5000 });
        eventor = world.start();
      });
    }
    await world.finishFlow();
  },
};
