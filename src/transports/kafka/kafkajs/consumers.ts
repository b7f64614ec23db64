/** A JoinGroup response. Only the leader's lists the other members. */
export interface JoinResponse {
  readonly leaderId: string;
  readonly memberId: string;
  readonly groupProtocol: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId?: string | null;
    readonly memberMetadata: Uint8Array | null;
  }[];
}

/** The committed offset of a partition, with its metadata. */
export interface FetchedOffset {
  readonly partition: number;
  readonly offset: string;
  readonly metadata?: string | null;
}

/**
 * What a consumer does where kafkajs would go its own way. `group` is its `ConsumerGroup`, `broker` the coordinator's
 * `Broker`; functions are kafkajs's own methods.
 */
export interface ConsumerHooks {
  /** Informed of the outcome of requests to the coordinator, and of the search for it. */
  readonly coordinator: { failed(error: unknown): void; served(): void };
  join(group: object, joinAndSync: () => Promise<void>): Promise<void>;
  joinGroup(
    broker: object,
    joinGroup: (broker: object) => Promise<JoinResponse>,
  ): Promise<JoinResponse>;
  /** What each member gets; undefined when another member leads. */
  assignment(): Promise<readonly object[] | undefined>;
  /** Called with committed offsets, before their partitions are fetched. */
  committed(offsets: readonly FetchedOffset[]): void;
  heartbeat(group: object, heartbeat: () => Promise<void>): Promise<void>;
  /**
   * Fetches from a broker for a while.
   *
   * @throws {Error} that makes kafkajs rejoin or end the consumer, or that it repeats
   */
  fetch(group: object, nodeId: string): Promise<void>;
  /** Called when kafkajs gives the consumer up. It leaves the group once this resolves. */
  crashed(group: object, error: Error): Promise<void>;
}

/** By group id. */
const consumers = new Map<string, ConsumerHooks>();

/** Registers this isolate's consumer of a group. Consumers without hooks are as kafkajs has them. */
export function registerConsumer(groupId: string, hooks: ConsumerHooks): void {
  consumers.set(groupId, hooks);
}

/** The consumer of a group, given kafkajs's object of the group or a request about it. */
export function consumerOf({ groupId }: { readonly groupId: string }): ConsumerHooks | undefined {
  return consumers.get(groupId);
}
