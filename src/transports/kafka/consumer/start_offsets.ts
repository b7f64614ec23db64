import { isRefusal, reasonIn } from "../client/client_failure.ts";
import type { PartitionTroubles } from "../partition_troubles.ts";

/** Requests the first offset of a partition. */
const EARLIEST = "-2";

/** The offset that brokers return for a partition without a commit. */
const NO_OFFSET = -1;

/** The part of kafkajs's `OffsetManager`, one for each assignment, used here. */
export interface Assignment {
  readonly groupId: string;
  readonly memberAssignment: Readonly<Record<string, readonly number[]>>;
  readonly cluster: AssignmentCluster;
  committedOffsets(): Record<string, Record<number, string>>;
  getCoordinator(): Promise<Coordinator>;
}

interface AssignmentCluster {
  findBroker(broker: { nodeId: string }): Promise<OffsetsBroker>;
  findLeaderForPartitions(
    topic: string,
    partitions: readonly number[],
  ): Readonly<Record<string, readonly number[]>>;
}

interface Coordinator {
  offsetFetch(request: {
    groupId: string;
    topics: { topic: string; partitions: { partition: number }[] }[];
  }): Promise<{ responses: { partitions: { partition: number; offset: string }[] }[] }>;
}

interface OffsetsBroker {
  listOffsets(request: object): Promise<
    { responses: { partitions: { partition: number; offset: string }[] }[] }
  >;
}

/** The member that offsets are looked up for. */
export interface StartOptions {
  readonly topic: string;
  readonly troubles: PartitionTroubles;
  /** Whether the assignment has been given up since: then results do not count. */
  readonly isGivenUp: () => boolean;
  /** Called for a partition without a committed offset: its topic may have been re-created. */
  readonly resets: (partition: number) => void;
}

/**
 * Looks up unknown start offsets of an assignment: the committed offset, or else the first record. kafkajs looks up
 * none while one partition has no leader.
 *
 * @throws {Error} when the group's coordinator does not answer, or access is refused
 */
export async function findStartOffsets(
  assignment: Assignment,
  options: StartOptions,
): Promise<void> {
  const { topic, troubles, isGivenUp } = options;
  const isKnown = (partition: number) => assignment.committedOffsets()[topic]?.[partition];
  const pending = (assignment.memberAssignment[topic] ?? [])
    .filter((partition) => isKnown(partition) === undefined && !troubles.isPaused(partition));
  if (pending.length === 0) return;
  const coordinator = await assignment.getCoordinator();
  const { responses } = await coordinator.offsetFetch({
    groupId: assignment.groupId,
    topics: [{ topic, partitions: pending.map((partition) => ({ partition })) }],
  });
  if (isGivenUp()) return;
  const committed = responses.flatMap(({ partitions }) => partitions);
  note(assignment, topic, committed.filter(({ offset }) => Number(offset) > NO_OFFSET));
  const without = committed.filter(({ offset }) => Number(offset) <= NO_OFFSET)
    .map(({ partition }) => partition);
  without.forEach(options.resets);
  const byLeader = Object.entries(assignment.cluster.findLeaderForPartitions(topic, without));
  // Partitions without a leader are reported by each turn of fetching.
  await Promise.all(
    byLeader.map(([nodeId, partitions]) =>
      findFirstOffsets(assignment, { nodeId, partitions, ...options })
    ),
  );
}

async function findFirstOffsets(
  assignment: Assignment,
  options: StartOptions & { readonly nodeId: string; readonly partitions: readonly number[] },
): Promise<void> {
  const { nodeId, partitions, topic, troubles, isGivenUp } = options;
  try {
    const broker = await assignment.cluster.findBroker({ nodeId });
    const { responses } = await broker.listOffsets({
      topics: [{
        topic,
        partitions: partitions.map((partition) => ({ partition, timestamp: EARLIEST })),
      }],
    });
    if (!isGivenUp()) note(assignment, topic, responses.flatMap(({ partitions }) => partitions));
  } catch (error) {
    if (isRefusal(error)) throw error;
    // One failing partition fails the whole response.
    if (partitions.length > 1 && Object(error).name === "KafkaJSProtocolError") {
      for (const partition of partitions) {
        await findFirstOffsets(assignment, { ...options, partitions: [partition] });
      }
      return;
    }
    const reason = `its broker does not tell its first offset: ${reasonIn(error)}`;
    for (const partition of partitions) troubles.note(partition, { reason, isPassing: true });
  }
}

function note(
  assignment: Assignment,
  topic: string,
  offsets: readonly { partition: number; offset: string }[],
): void {
  const known = assignment.committedOffsets()[topic] ??= {};
  for (const { partition, offset } of offsets) known[partition] ??= offset;
}
