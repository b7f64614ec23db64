import { setTimeout as sleep } from "node:timers/promises";
import type { Row } from "../row.ts";

/** A member that sleeps so long that the group gives its partitions to another one, and then goes on as before. */
export const suspended: Row = {
  number: 5,
  fault: "one of two members sleeps (SIGSTOP) for two session timeouts",
  short: { events: 5000, perSecond: 700, faults: 1 },
  long: { events: 150_000, perSecond: 1500, faults: 6 },
  limits: (world) => ({
    duplicates: world.lookahead(world.size.faults),
    recoveryMs: 10_000,
    // The other member has the sleeper's partitions before it wakes up.
    partitionStallMs: world.sessionTimeoutMs + 2500,
  }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 40] }]);
    const members = [world.start(), world.start()];
    await Promise.all(members.map((member) => member.line(/joined group .*: partitions \d/)));
    world.flow();
    const holdNoMore = await Promise.all(members.map((member) => world.holdings(member)));
    for await (const number of world.faultMoments()) {
      const sleeper = members[number % members.length]!;
      const others = members.filter((member) => member !== sleeper);
      const held = others.map((member) => member.count(/joined group/));
      await world.fault("SIGSTOP", async () => {
        sleeper.signal("SIGSTOP");
        await sleep(2 * world.sessionTimeoutMs);
        sleeper.signal("SIGCONT");
      });
      const wasMissed = others.every((member, at) => member.count(/joined group/) > held[at]!);
      if (!wasMissed) world.finding("the group did not give the sleeper's partitions to the other");
    }
    await world.finishFlow();
    await Promise.all(holdNoMore.map((holdsNoMore) => holdsNoMore()));
  },
};
