import type { Unreadable } from "../records/fetched_batches.ts";
import type { FetchedBatch } from "../records/record_batch.ts";

// The parts of kafkajs's internal classes that a group member uses.

/** Offset and metadata of a partition, as committed or listed. */
export interface PartitionOffset {
  readonly partition: number;
  readonly offset: string;
  readonly metadata?: string | null;
}

interface OffsetsResponse {
  readonly responses: readonly { readonly partitions: readonly PartitionOffset[] }[];
}

interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** A fetch response for one partition. */
export interface PartitionResponse {
  readonly partition: number;
  readonly errorCode: number;
  /** The offset after the last record that consumers may read. */
  readonly highWatermark: string;
  /** The same for `read_committed`: records from the first open transaction on are held back. */
  readonly lastStableOffset: string;
  /** Id of the broker to fetch from instead (KIP-392). */
  readonly preferredReadReplica?: number;
  readonly messages: readonly FetchedBatch[];
  /** Data after `messages` that cannot be read. */
  readonly unreadable?: Unreadable | null;
}

export interface Broker {
  readonly nodeId: number | string;
  readonly connectionPool: { getConnection(index: number): Promise<object> };
  fetch(request: object): Promise<{
    readonly clientSideThrottleTime?: number;
    readonly responses: readonly {
      readonly topicName: string;
      readonly partitions: readonly PartitionResponse[];
    }[];
  }>;
  listOffsets(request: object): Promise<OffsetsResponse>;
  offsetFetch(request: object): Promise<OffsetsResponse>;
  offsetCommit(request: object): Promise<unknown>;
  leaveGroup(member: { groupId: string; memberId: string | null }): Promise<unknown>;
  describeGroups(
    request: { groupIds: readonly string[] },
  ): Promise<{ readonly groups: readonly GroupDescription[] }>;
}

/** A DescribeGroups response for one group. Protocol and metadata are empty while it rebalances. */
export interface GroupDescription {
  readonly protocolType: string;
  readonly protocol: string;
  readonly members: readonly { readonly memberMetadata: Uint8Array | null }[];
}

export interface Cluster {
  readonly brokerPool: {
    /** The last metadata of the cluster. The pool also drops brokers whose connection was closed. */
    readonly metadata: { readonly brokers: readonly { readonly nodeId: number }[] } | null;
    findConnectedBroker(): Promise<MetadataBroker>;
  };
  findBroker(broker: { nodeId: string }): Promise<Broker>;
  removeBroker(broker: { host: string; port: number }): void;
  /** Ids of all known brokers. */
  getNodeIds(): readonly string[];
  /** Partitions by the id of their leader. */
  findLeaderForPartitions(
    topic: string,
    partitions: readonly number[],
  ): Readonly<Record<string, readonly number[]>>;
  /** The partitions of a topic that this consumer subscribes to. */
  findTopicPartitionMetadata(
    topic: string,
  ): readonly { readonly partitionId: number; readonly leader: number }[];
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
}

/** A broker that is asked for metadata. */
export interface MetadataBroker {
  metadata(topics: readonly string[]): Promise<{ readonly topicMetadata: readonly TopicAnswer[] }>;
}

export interface TopicAnswer {
  readonly topic: string;
  readonly topicErrorCode: number;
  readonly partitionMetadata: readonly unknown[];
}

/** The offsets of an assignment. kafkajs creates one for each. */
export interface OffsetManager {
  readonly groupId: string;
  readonly memberId: string;
  readonly generationId: number;
  readonly memberAssignment: Readonly<Record<string, readonly number[]>>;
  readonly cluster: Pick<Cluster, "findBroker" | "findLeaderForPartitions">;
  getCoordinator(): Promise<Broker>;
  /** By topic and partition. */
  committedOffsets(): Record<string, Record<number, string>>;
  nextOffset(topic: string, partition: number): string;
  resolveOffset(place: { topic: string; partition: number; offset: string }): void;
  clearOffsets(place: { topic: string; partition: number }): void;
  commitOffsets(offsets: object): Promise<void>;
}

export interface ConsumerGroup {
  readonly groupId: string;
  /** Null until the coordinator assigns one. */
  memberId: string | null;
  /** Null before the first join. */
  readonly generationId: number | null;
  readonly assigners: readonly { readonly name: string }[];
  readonly sessionTimeout: number;
  /** When the last heartbeat was answered. */
  readonly lastRequest: number;
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly isolationLevel: number;
  readonly rackId: string;
  readonly metadataMaxAge: number;
  readonly cluster: Cluster;
  /** Null until found. */
  readonly coordinator: Broker | null;
  /** Null before the first join, when nothing is fetched. */
  readonly offsetManager: OffsetManager;
  /** Null before the first join. */
  readonly partitionsPerSubscribedTopic: ReadonlyMap<string, readonly number[]> | null;
  readonly preferredReadReplicasPerTopicPartition: Record<
    string,
    Record<number, { readonly nodeId: number; readonly expireAt: number }>
  >;
  assigned(): readonly TopicPartitions[];
  filterPartitionsByNode(
    nodeId: string,
    partitions: readonly TopicPartitions[],
  ): readonly TopicPartitions[];
  /** Throws when the partitions of the topic have changed since the join. */
  checkForStaleAssignment(): void;
  /** Commits for the member's current assignment. */
  commitOffsets(offsets: {
    topics: { topic: string; partitions: PartitionOffset[] }[];
  }): Promise<void>;
}
