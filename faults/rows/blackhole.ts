import { setTimeout as sleep } from "node:timers/promises";
import { FaultyNetwork } from "../faulty_network.ts";
import type { Row } from "../row.ts";

const REQUEST_TIMEOUT_MS = 2000;
const VICTIMS = ["consumer", "producer", "both"] as const;

/** Nothing that is sent to a broker arrives, or comes back, and nobody is told. */
export const blackhole: Row = {
  number: 20,
  fault: "the way to the broker swallows everything: the consumer's, the producer's, both",
  short: { events: 9000, perSecond: 1000, faults: 3, faultMs: 3500 },
  long: { events: 100_000, perSecond: 1000, faults: 9, faultMs: 8000 },
  limits: (world) => ({
    duplicates: world.lookahead(world.size.faults),
    recoveryMs: 2 * REQUEST_TIMEOUT_MS + 2000,
  }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 20] }]);
    const { bootstrapServer } = world.broker;
    await using consumer = new FaultyNetwork(bootstrapServer);
    await using producer = new FaultyNetwork(bootstrapServer);
    const networks = { consumer: [consumer], producer: [producer], both: [consumer, producer] };
    const timeouts = { "socket.timeout.ms": REQUEST_TIMEOUT_MS, "request.timeout.ms": 1000 };
    const member = world.start({
      pipeline: {
        consumerConfig: {
          "bootstrap.servers": consumer.address,
          "socket.timeout.ms": REQUEST_TIMEOUT_MS,
        },
        producerConfig: { "bootstrap.servers": producer.address, ...timeouts },
      },
    });
    world.flow();
    const holdsNoMore = await world.holdings(member);
    for await (const number of world.faultMoments()) {
      const victim = VICTIMS[number % VICTIMS.length]!;
      await world.fault(`blackhole for ${victim}`, async () => {
        for (const network of networks[victim]) network.swallow();
        const ms = world.between(0.85, 1) * (world.size.faultMs ?? 0);
        await sleep(ms);
        const forgetsConnections = world.random() < 0.5;
        for (const network of networks[victim]) network.passAgain({ forgetsConnections });
      });
    }
    await world.finishFlow();
    await world.settle();
    for (const { address } of [consumer, producer]) {
      if (member.count(new RegExp(`WARN.*${address}: no answer`)) === 0) {
        world.finding(`its log does not say that there is no answer from ${address}`);
      }
    }
    const stopped = member.count(/pipeline '.*' stopped/);
    if (stopped > 0) world.finding(`the pipeline stopped ${stopped} times instead of going on`);
    await holdsNoMore();
    await world.stop(member);
  },
};
