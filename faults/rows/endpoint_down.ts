import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../tools/kafka/ports.ts";
import { eventually } from "../../tests/support/eventually.ts";
import { RETRY, startWithAll, withoutEviction } from "../endpoint_row.ts";
import { misplaced } from "../examinations.ts";
import type { Row } from "../row.ts";
import type { World } from "../world.ts";

const LONGEST_MS = 60_000;
/** How long nothing may have worked before it counts as an outage, and how old an answer of the interface may be. */
const NOTICED_MS = 5000 + 1500;
const POLL_MS = 100;

/** In an outage, the pauses between calls double up to 30 s; up to 8 s, in one as short as the short form's. */
function noticedBackMs(isLong: boolean): number {
  return (isLong ? 30_000 : 8000) + 5000;
}

/** An outage is waited for: it makes no event a failed one. */
export const endpointDown: Row = {
  number: 13,
  fault: "the endpoint refuses connections",
  short: { events: 800, perSecond: 200, faults: 1, faultMs: 7500 },
  long: { events: 60_000, perSecond: 700, faults: 3, faultMs: 20_000 },
  limits: ({ isLong }) => ({ duplicates: 0, recoveryMs: noticedBackMs(isLong) }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 20] }]);
    const address = `127.0.0.1:${freePort()}`;
    const eventor = startWithAll(world, {
      process: { admin: { address } },
      pipeline: { handler: { retry: RETRY } },
    });
    world.flow();
    await world.progress();
    await ready(world, address, true);
    let holdsNoMore = () => Promise.resolve();
    await withoutEviction(world, async () => {
      for await (const number of world.faultMoments()) {
        const isLongest = world.isLong && number === world.size.faults - 1;
        const awayMs = isLongest ? LONGEST_MS : world.size.faultMs ?? 0;
        await world.fault(`endpoint down for ${awayMs} ms`, async () => {
          await world.endpoint.goDown();
          await outage(world, address, awayMs);
          await world.endpoint.comeBack();
        });
        await ready(world, address, true);
        // To catch up takes memory that the flow before did not.
        if (number === 0) holdsNoMore = await world.holdings(eventor);
      }
      await world.finishFlow();
      await world.settle();
    });
    await eventor.line(/connection refused; trying again/);
    await eventor.line(/the endpoint seems to be away/);
    await eventor.line(/the endpoint answers again/);
    await holdsNoMore();
  },
  examine: (history, { topics }) => misplaced(history, () => topics.results),
};

/** Not ready, but alive: nothing would become better by a new start. */
async function outage(world: World, address: string, awayMs: number): Promise<void> {
  const endsAt = performance.now() + awayMs;
  const isNoticed = await ready(world, address, false);
  while (performance.now() < endsAt) {
    await sleep(POLL_MS);
    const [livez, readyz] = await Promise.all(
      ["livez", "readyz"].map((path) => statusOf(`http://${address}/${path}`)),
    );
    if (livez !== 200) world.finding(`/livez answered ${livez} in an outage`);
    if (isNoticed && readyz === 200) world.finding("/readyz said ready in the middle of an outage");
  }
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

/** Whether `/readyz` came to say so; a finding, if not. */
async function ready(world: World, address: string, isReady: boolean): Promise<boolean> {
  let found = "";
  try {
    await eventually(async () => {
      const response = await fetch(`http://${address}/readyz`);
      found = `${response.status} ${await response.text()}`;
      return isReady ? response.ok : found.includes("the endpoint is away");
    }, { deadlineMs: isReady ? noticedBackMs(world.isLong) : NOTICED_MS, what: () => found });
    return true;
  } catch (error) {
    world.finding(`/readyz does not say ${isReady ? "ready" : "that it is away"}: ${error}`);
    return false;
  }
}
