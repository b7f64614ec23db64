import { setTimeout as sleep } from "node:timers/promises";
import { FaultyNetwork } from "../faulty_network.ts";
import type { Row } from "../row.ts";

/** What fails, and for how long. */
const FAULTS: readonly { what: string; begin: (network: FaultyNetwork) => void }[] = [
  { what: "latency of 300 ms", begin: (network) => network.become({ latencyMs: 300 }) },
  { what: "64 KB/s", begin: (network) => network.become({ bytesPerSecond: 64_000 }) },
  { what: "slices of 100 bytes", begin: (network) => network.become({ sliceBytes: 100 }) },
  { what: "reset", begin: (network) => network.reset() },
  {
    what: "slow close",
    begin(network) {
      network.become({ closeDelayMs: 1000 });
      network.closeAtBroker();
    },
  },
];

/** The way to the broker is bad, or ends. The group must not think that the member is gone. */
export const slowNetwork: Row = {
  number: 21,
  fault: "a bad network: latency, bandwidth, slices, resets, slow closing",
  short: { events: 8000, perSecond: 1000, faults: 5, faultMs: 1000 },
  long: { events: 100_000, perSecond: 1000, faults: 10, faultMs: 8000 },
  limits: (world) => ({ duplicates: world.lookahead(world.size.faults), stallMs: 10_000 }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 20] }]);
    await using network = new FaultyNetwork(world.broker.bootstrapServer);
    const member = world.start({
      broker: network.address,
      pipeline: { consumerConfig: { "session.timeout.ms": 30_000 } },
    });
    world.flow();
    const holdsNoMore = await world.holdings(member);
    for await (const number of world.faultMoments()) {
      const { what, begin } = FAULTS[number % FAULTS.length]!;
      await world.fault(what, async () => {
        begin(network);
        await sleep(world.size.faultMs);
        network.become({});
      });
    }
    await world.finishFlow();
    await world.settle();
    const joined = member.count(/joined group/);
    if (joined !== 1) world.finding(`it has joined the group ${joined} times instead of once`);
    await holdsNoMore();
    await world.stop(member);
  },
};
