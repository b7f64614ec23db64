import { setTimeout as sleep } from "node:timers/promises";
import type { Eventor } from "./eventor.ts";
import type { Resources } from "./history.ts";

const BASELINE_MS = 15_000;
const INTERVAL_MS = 500;
const RETURN_MS = 60_000;
/** As {@linkcode check} has it. */
const MAX_GROWTH = 1.2;

/** What a member holds while it works and nothing fails: the most that is seen in a while. */
export async function holdings(member: Eventor): Promise<Resources["before"]> {
  let [rssMb, sockets] = [0, 0];
  for (let passedMs = 0; passedMs < BASELINE_MS; passedMs += INTERVAL_MS) {
    const usage = await member.usage();
    rssMb = Math.max(rssMb, usage.rssMb);
    sockets = Math.max(sockets, usage.sockets);
    await sleep(INTERVAL_MS);
  }
  return { rssMb, sockets };
}

/** Waits until a member holds about as much as before, for as long as that may take. */
export async function holdingsAfter(
  member: Eventor,
  before: Resources["before"],
): Promise<Resources> {
  const beganAt = performance.now();
  for (;;) {
    const after = await member.usage();
    const isBack = after.rssMb <= before.rssMb * MAX_GROWTH &&
      after.sockets <= before.sockets * MAX_GROWTH;
    if (isBack || performance.now() - beganAt > RETURN_MS) {
      return { who: member.name, before, after };
    }
    await sleep(INTERVAL_MS);
  }
}
