import { eventually } from "../../tests/support/eventually.ts";
import { BrokerAdmin } from "../broker_admin.ts";
import { Cluster } from "../cluster.ts";
import { setTimeout as sleep } from "node:timers/promises";
import type { Eventor } from "../eventor.ts";
import type { Row } from "../row.ts";
import type { World } from "../world.ts";

/**
 * Of each broker, in the long and the short form. It is lowered step by step, so that the first one that slows things down
 * does so by little; the short form has no time for many steps.
 */
const HIGHEST_BYTES_PER_SECOND = { long: 120_000, short: 35_000 };
const LOWEST_BYTES_PER_SECOND = 2000;
const LOWERED_TO = 0.6;
const LOOK_MS = 2000;
/**
 * A broker reads nothing from a client's connection, heartbeats neither, until its rate, over ten seconds or so, is within
 * the quota. After a large request, that would outlast the row.
 */
const PATIENT_CONSUMER = { "fetch.max.bytes": 16_384, "session.timeout.ms": 30_000 };
const SMALL_BATCHES = { "batch.size": 2048 };
const TOO_FEW = /cannot publish .*fewer in-sync replicas/;
const REFUSAL_DEADLINE_MS = 20_000;
const CATCHING_UP_DEADLINE_MS = 30_000;
/** More than what is under way or waits for the next commit on a slow machine. */
const FEW_SECONDS = 2;

/** The broker slows clients down, or stores nothing as there are not enough replicas; the latter takes a cluster. */
export const refusedAndThrottled: Row = {
  number: 22,
  fault: "a quota of the broker; results refused, as there are too few replicas",
  short: { events: 6000, perSecond: 1000, faults: 1, faultMs: 3000 },
  long: { events: 60_000, perSecond: 700, faults: 4, faultMs: 8000, brokers: 3 },
  // What is under way when replicas go is refused although some have stored it. A broker that throttles a client keeps it
  // waiting for the pause it has told, also when the quota is gone by then.
  limits: (world) => ({ duplicates: world.lookahead(refusalsOf(world)), recoveryMs: 10_000 }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 20] }]);
    const clientId = world.topics.group;
    const member = world.start({
      pipeline: {
        consumerConfig: { "client.id": clientId, ...PATIENT_CONSUMER },
        producerConfig: { "client.id": clientId, ...SMALL_BATCHES },
      },
    });
    world.flow();
    for await (const number of world.faultMoments()) {
      const { broker } = world;
      if (!(broker instanceof Cluster) || number % 2 === 0) await throttle(world, member);
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

async function throttle(world: World, member: Eventor): Promise<void> {
  const clientId = world.topics.group;
  const admin = new BrokerAdmin(world.broker.bootstrapServer);
  const { perSecond, faultMs = 0 } = world.size;
  const behind = () => world.source.stored - world.committed;
  // While it makes up for another fault, it gets less far behind even by a quota that bites.
  await eventually(() => behind() < FEW_SECONDS * perSecond, {
    deadlineMs: CATCHING_UP_DEADLINE_MS,
    what: () =>
      `fewer than ${FEW_SECONDS * perSecond} events that wait, found ${behind()}; ${member.logEnd}`,
  });
  await world.fault("a quota that slows it down", async () => {
    const before = behind();
    let bytesPerSecond = HIGHEST_BYTES_PER_SECOND[world.isLong ? "long" : "short"];
    while (behind() < before + perSecond / 2 && bytesPerSecond > LOWEST_BYTES_PER_SECOND) {
      bytesPerSecond = Math.floor(bytesPerSecond * LOWERED_TO);
      await admin.setQuota(clientId, bytesPerSecond);
      await sleep(LOOK_MS);
    }
    await sleep(faultMs);
    const after = behind();
    if (after < before + perSecond) {
      world.finding(`no quota slowed it down: ${before} events waited, then ${after}`);
    }
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
