import { TcpProxy } from "../../tests/support/network/tcp_proxy.ts";
import { RETRY, startWithAll, withoutEviction } from "../endpoint_row.ts";
import { misplaced, repeatedAttempts } from "../examinations.ts";
import type { Row } from "../row.ts";

const TIMEOUT_MS = 3000;
const SLACK_MS = 2000;
const CONCURRENCY = 64;

/** All connections to the endpoint die without a word, as behind a gateway that has forgotten them. HTTP/1.1 only. */
export const endpointSilent: Row = {
  number: 18,
  fault: "connections to the endpoint die silently",
  short: { events: 3000, perSecond: 500, faults: 2 },
  long: { events: 50_000, perSecond: 700, faults: 10 },
  limits: () => ({ duplicates: 0, recoveryMs: TIMEOUT_MS + SLACK_MS }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [10, 40] }]);
    await using proxy = new TcpProxy(world.endpoint.host);
    const eventor = startWithAll(world, {
      pipeline: {
        keys: { concurrency: CONCURRENCY },
        url: `http://${proxy.address}/member1`,
        handler: { timeout: `${TIMEOUT_MS}ms`, retry: RETRY },
      },
    });
    world.flow();
    await world.progress();
    const holdsNoMore = await world.holdings(eventor);
    await withoutEviction(world, async () => {
      for await (const _ of world.faultMoments()) {
        await world.fault("all connections silent", () => {
          proxy.silence();
          return Promise.resolve();
        });
      }
      await world.finishFlow();
      await world.settle();
    });
    await holdsNoMore();
    await world.stop(eventor);
    const timeouts = eventor.count(/no complete response within 3 s/);
    const most = CONCURRENCY * world.size.faults;
    if (timeouts === 0) world.finding("no call met a silent connection");
    if (timeouts > most) {
      world.finding(`${timeouts} timeouts: some of the ${most} silent connections were used again`);
    }
  },
  examine: (history, { topics }) => [
    ...misplaced(history, () => topics.results),
    ...repeatedAttempts(history),
  ],
};
