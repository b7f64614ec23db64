/** A group member, as the leader sees it. */
export interface GroupSubscriber {
  readonly memberId: string;
  /** Its `group.instance.id`, if it is a static member (KIP-345). */
  readonly instanceId: string | null;
  /** Subscribed topics. */
  readonly topics: ReadonlySet<string>;
}

/** Partitions by member id and topic, including members without partitions. */
export type Assignment = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;

/** Assigns the partitions of all topics to the members that subscribe to them. */
export type Strategy = (
  members: readonly GroupSubscriber[],
  partitionCounts: ReadonlyMap<string, number>,
) => Assignment;

/**
 * `range`: in each topic, the sorted subscribers get consecutive blocks of partitions. The first ones get one more if
 * there is a remainder. Equal to Java's `RangeAssignor` without racks, and to librdkafka's `range`.
 */
export function assignByRange(...[members, partitionCounts]: Parameters<Strategy>): Assignment {
  const assignment = noPartitions(members);
  const inOrder = sorted(members);
  for (const [topic, count] of partitionCounts) {
    const subscribers = inOrder.filter(({ topics }) => topics.has(topic));
    let first = 0;
    for (const [index, { memberId }] of subscribers.entries()) {
      const length = Math.floor(count / subscribers.length) +
        (index < count % subscribers.length ? 1 : 0);
      const block = Array.from({ length }, (_, index) => first + index);
      if (length > 0) assignment.get(memberId)?.set(topic, block);
      first += length;
    }
  }
  return assignment;
}

/**
 * `roundrobin`: deals the sorted partitions of all topics to the sorted members in turn. Skips members that do not
 * subscribe to the topic. Equal to Java's `RoundRobinAssignor` and librdkafka's `roundrobin`.
 */
export function assignByRoundRobin(
  ...[members, partitionCounts]: Parameters<Strategy>
): Assignment {
  const assignment = noPartitions(members);
  const circle = sorted(members);
  let next = 0;
  for (const topic of [...partitionCounts.keys()].sort()) {
    if (!circle.some(({ topics }) => topics.has(topic))) continue;
    for (let partition = 0; partition < (partitionCounts.get(topic) ?? 0); partition++) {
      while (!circle[next % circle.length]?.topics.has(topic)) next++;
      const topics = assignment.get(circle[next % circle.length]?.memberId ?? "");
      const partitions = topics?.get(topic);
      if (partitions === undefined) topics?.set(topic, [partition]);
      else partitions.push(partition);
      next++;
    }
  }
  return assignment;
}

function noPartitions(members: readonly GroupSubscriber[]): Map<string, Map<string, number[]>> {
  return new Map(members.map(({ memberId }) => [memberId, new Map()]));
}

/** Static members first, by instance id; then the others, by the member id that the coordinator assigned. */
function sorted(members: readonly GroupSubscriber[]): readonly GroupSubscriber[] {
  return members.toSorted((a, b) =>
    Number(a.instanceId === null) - Number(b.instanceId === null) ||
    compare(a.instanceId ?? a.memberId, b.instanceId ?? b.memberId)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
