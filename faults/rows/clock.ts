import { setTimeout as sleep } from "node:timers/promises";
import { findLibfaketime } from "../../tools/libfaketime.ts";
import { eventually } from "../../tests/support/eventually.ts";
import { RETRY } from "../endpoint_row.ts";
import type { Eventor } from "../eventor.ts";
import type { Row } from "../row.ts";
import type { World } from "../world.ts";

const USUAL = [{ latencyMs: [0, 20] }] as const;
const FAILING = [{ share: 0.1, answer: { kind: "status", status: 503 } }, ...USUAL] as const;

/** With the time on eventor's clock. */
const FAILED_CALL = /"time":"([^"]+)".*cannot handle .*503/;

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
      const eventor = world.start({
        pipeline: { handler: { retry: RETRY } },
        process: { logFormat: "json" },
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
        await sleep(quietMs(world));
        const offByHours = await hoursOff(eventor, world);
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

/** By the time of a log line, which a failed call brings about. */
async function hoursOff(eventor: Eventor, { endpoint }: World): Promise<number> {
  const last = () => eventor.lastMatch(FAILED_CALL);
  const before = last()?.[0];
  await endpoint.behave(FAILING);
  await eventually(() => last()?.[0] !== before, {
    deadlineMs: 20_000,
    what: () => `a log line about a failed call; ${eventor.logEnd}`,
  });
  const shownMs = new Date(last()?.[1] ?? "").getTime();
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
