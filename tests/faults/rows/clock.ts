import { findLibfaketime } from "../../../tools/libfaketime.ts";
import { freePort } from "../../../tools/kafka/ports.ts";
import type { Row } from "../row.ts";
import type { World } from "../world.ts";

const USUAL = [{ latencyMs: [0, 20] }] as const;

/** What the clock does, in libfaketime's words; and how many hours it is off then, about. */
const CHANGES = [
  { what: "-1 h", setting: "-3600", hours: -1 },
  { what: "+1 h", setting: "+3600", hours: 1 },
  { what: "10 % too fast", setting: "+3600 x1.1", hours: 1 },
];

/** The system's clock is set, or goes wrong, while the process runs. Only eventor sees it. */
export const clock: Row = {
  number: 24,
  fault: "the clock of eventor's system jumps by -1 h and +1 h, and goes 10 % too fast",
  short: { events: 2000, perSecond: 300, faults: 2 },
  long: { events: 100_000, perSecond: 1000, faults: 6 },
  limits: (world) => ({ duplicates: 0, stallMs: quietMs(world) + 5000 }),
  async run(world) {
    const settings = await Deno.makeTempFile({ prefix: "eventor-clock-" });
    try {
      await Deno.writeTextFile(settings, "+0");
      await world.endpoint.behave(USUAL);
      const admin = `127.0.0.1:${freePort()}`;
      const eventor = world.start({
        process: { admin: { address: admin } },
        env: {
          LD_PRELOAD: await library(),
          FAKETIME_TIMESTAMP_FILE: settings,
          FAKETIME_NO_CACHE: "1",
          // The clock by which systems measure time does not jump.
          FAKETIME_DONT_FAKE_MONOTONIC: "1",
        },
      });
      world.flow();
      const holdsNoMore = await world.holdings(eventor);
      await world.progress();
      const members = await world.memberIds();
      for await (const number of world.faultMoments()) {
        const { what, setting, hours } = CHANGES[number % CHANGES.length]!;
        await world.fault(what, () => Deno.writeTextFile(settings, setting));
        // Commits would do for heartbeats. So nothing finishes for so long that the group would miss these.
        await world.endpoint.behave([{ latencyMs: [quietMs(world), quietMs(world)] }]);
        await new Promise((resolve) => setTimeout(resolve, quietMs(world)));
        const offByHours = await hoursOff(admin);
        if (Math.abs(offByHours - hours) > 0.1) {
          world.finding(
            `${what}: eventor's clock is off by ${offByHours} hours instead of ${hours}`,
          );
        }
        if (await world.memberIds() !== members) {
          world.finding(`${what}: the group has other members than before`);
        }
        await world.endpoint.behave(USUAL);
      }
      await world.finishFlow();
      await holdsNoMore();
    } finally {
      await Deno.remove(settings);
    }
  },
};

function quietMs({ sessionTimeoutMs }: World): number {
  return 1.6 * sessionTimeoutMs;
}

/** By the time at which a server says that it answers. */
async function hoursOff(admin: string): Promise<number> {
  const response = await fetch(`http://${admin}/livez`);
  await response.body?.cancel();
  const shownMs = new Date(response.headers.get("date") ?? "").getTime();
  return (shownMs - new Date().getTime()) / 3_600_000;
}

async function library(): Promise<string> {
  const path = await findLibfaketime();
  if (path !== undefined) return path;
  throw new Error(
    "Cannot change the clock as libfaketime is missing; install it, on Debian by: " +
      "sudo apt-get install libfaketime",
  );
}
