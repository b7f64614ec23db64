import type { Eventor } from "../eventor.ts";
import type { Row } from "../row.ts";

const MAX_MEMBERS = 6;
/** One member in so many is killed instead of being asked to end. */
const KILL_EVERY = 8;

/** Members join and leave so often that the group hardly ever has peace. */
export const rebalanceStorm: Row = {
  number: 10,
  fault: "up to six members join and leave, one in eight by SIGKILL",
  short: { events: 6000, perSecond: 600, faults: 10 },
  long: { events: 200_000, perSecond: 1500, faults: 120 },
  limits: (world) => ({
    duplicates: Math.floor(world.size.events / 10),
    onlyKilledRepeat: true,
    stallMs: 15_000,
    // The group waits for a killed member until its session has run out, and then once more when others come and go.
    partitionStallMs: world.sessionTimeoutMs + 6000,
  }),
  async run(world) {
    await world.endpoint.behave([{ share: 0.02, latencyMs: [0, 250] }, { latencyMs: [0, 5] }]);
    let members: Eventor[] = [world.start()];
    const leaving: Promise<void>[] = [];
    let left = 0;
    world.flow();
    for await (const _ of world.faultMoments({ withoutProgress: true })) {
      const joins = members.length === 1 ||
        members.length < MAX_MEMBERS && world.random() < 0.5;
      await world.fault(joins ? "a member joins" : "a member leaves", () => {
        if (joins) members.push(world.start());
        else {
          const [first, ...others] = members;
          members = others;
          const isKilled = left++ % KILL_EVERY === 1;
          if (first !== undefined) leaving.push(isKilled ? world.kill(first) : world.stop(first));
        }
        return Promise.resolve();
      });
    }
    await Promise.all(leaving);
    await world.finishFlow();
  },
};
