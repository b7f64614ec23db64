import { eventually } from "../../support/eventually.ts";
import { BrokerAdmin } from "../broker_admin.ts";
import { Cluster } from "../cluster.ts";
import type { Eventor } from "../eventor.ts";
import type { Row } from "../row.ts";
import type { World } from "../world.ts";

/**
 * Of each broker, in the long and the short form: less than what flows in the time, but enough for all that can wait: the
 * pause after a request that is far beyond a quota would outlast the row.
 */
const BYTES_PER_SECOND = { long: 100_000, short: 20_000 };
const TOO_FEW = /cannot publish .*fewer in-sync replicas/;
const REFUSAL_DEADLINE_MS = 20_000;

/** The broker slows clients down, or stores nothing as there are not enough replicas; the latter takes a cluster. */
export const refusedAndThrottled: Row = {
  number: 22,
  fault: "a quota of the broker; results refused, as there are too few replicas",
  short: { events: 6000, perSecond: 1000, faults: 1, faultMs: 3000 },
  long: { events: 100_000, perSecond: 1500, faults: 4, faultMs: 8000, brokers: 3 },
  // What is under way when replicas go is refused although some have stored it. A broker that throttles a client keeps it
  // waiting for the pause it has told, also when the quota is gone by then.
  limits: (world) => ({ duplicates: world.lookahead(refusalsOf(world)), recoveryMs: 10_000 }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 20] }]);
    const clientId = world.topics.group;
    const quota = { "client.id": clientId };
    const member = world.start({ pipeline: { consumerConfig: quota, producerConfig: quota } });
    world.flow();
    for await (const number of world.faultMoments()) {
      const { broker } = world;
      if (!(broker instanceof Cluster) || number % 2 === 0) await throttle(world);
      else await refuse(world, { cluster: broker, member });
    }
    await world.finishFlow();
    await world.settle();
    const joined = member.count(/joined group/);
    if (joined !== 1) world.finding(`it has joined the group ${joined} times instead of once`);
  },
};

/** Every second fault of a cluster, beginning with the second one. */
function refusalsOf({ broker, size }: World): number {
  return broker instanceof Cluster ? Math.floor(size.faults / 2) : 0;
}

async function throttle(world: World): Promise<void> {
  const clientId = world.topics.group;
  const admin = new BrokerAdmin(world.broker.bootstrapServer);
  const bytesPerSecond = BYTES_PER_SECOND[world.isLong ? "long" : "short"];
  await world.fault(`at most ${bytesPerSecond} bytes a second`, async () => {
    await admin.setQuota(clientId, bytesPerSecond);
    const before = world.source.stored - world.committed;
    await pause(world);
    const after = world.source.stored - world.committed;
    if (after < before + 1000) world.finding(`the quota slowed nothing down: ${before}, ${after}`);
    await admin.setQuota(clientId, null);
  });
}

async function refuse(
  world: World,
  { cluster, member }: { cluster: Cluster; member: Eventor },
): Promise<void> {
  const { results } = world.topics;
  const admin = new BrokerAdmin(world.broker.bootstrapServer);
  const coordinator = await admin.coordinator(world.topics.group);
  // The group's membership is not at stake here.
  const stopped = cluster.broker(coordinator === 1 ? 2 : 1);
  await world.fault("too few replicas", async () => {
    const said = member.count(TOO_FEW);
    await admin.requireReplicas(results, cluster.brokers.length);
    await stopped.kill();
    // The others wait for it until its session has run out.
    await eventually(() => member.count(TOO_FEW) > said, {
      deadlineMs: REFUSAL_DEADLINE_MS,
      what: () => `a log line that says why results are refused; ${member.logEnd}`,
    });
    await admin.requireReplicas(results, cluster.brokers.length - 1);
  });
  await stopped.restart();
  await cluster.inSync(results);
}

function pause(world: World): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, world.size.faultMs));
}
