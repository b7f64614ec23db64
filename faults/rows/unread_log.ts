import { setTimeout as sleep } from "node:timers/promises";
import type { Row } from "../row.ts";

/** Whoever reads the log stops, as a stuck log collector does, while there is much to log. */
export const unreadLog: Row = {
  number: 28,
  fault: "nobody reads eventor's log, at level DEBUG",
  short: { events: 8000, perSecond: 1000, faults: 1, faultMs: 8000 },
  long: { events: 100_000, perSecond: 1500, faults: 1, faultMs: 60_000 },
  limits: () => ({ duplicates: 0, stallMs: 3000 }),
  async run(world) {
    const eventor = world.start({ readsLog: false, pipeline: { logLevel: "DEBUG" } });
    world.flow();
    await world.progress();
    const holdsNoMore = await world.holdings(eventor);
    const members = await world.memberIds();
    await world.fault("the log is not read", async () => {
      await sleep(world.size.faultMs);
      if (await world.memberIds() !== members) world.finding("the group has other members");
      eventor.readLog();
    });
    const line = await eventor.line(/ \d+ log lines were dropped because the reader was too slow/);
    if (/ 0 log lines/.test(line)) world.finding(`no dropped line was counted: ${line}`);
    await world.finishFlow();
    await holdsNoMore();
  },
};
