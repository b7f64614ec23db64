import type { Row } from "../row.ts";

/** What the other rows are compared with. */
export const none: Row = {
  number: 1,
  fault: "none",
  short: { events: 6000, perSecond: 2000, faults: 0 },
  long: { events: 400_000, perSecond: 4000, faults: 0 },
  limits: () => ({ duplicates: 0, stallMs: 5000 }),
  async run(world) {
    const eventor = world.start();
    world.flow();
    const holdsNoMore = await world.holdings(eventor);
    await world.finishFlow();
    await holdsNoMore();
  },
};
