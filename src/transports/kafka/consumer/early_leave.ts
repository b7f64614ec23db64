import Broker from "kafkajs/src/broker/index.js";
import { atMost } from "../../../core/backoff.ts";

/** How long to wait for a coordinator's response under way. */
const ANSWER_MS = 1000;

/** The part of a joining kafkajs `ConsumerGroup` used here. */
export interface JoiningGroup {
  readonly groupId: string;
  /** Null until the coordinator assigns one. */
  memberId: string | null;
  readonly coordinator: { readonly connectionPool: BrokerAddress } | null;
  readonly cluster: { readonly brokerPool: BrokerPool };
}

interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

interface BrokerPool {
  readonly rootLogger: object;
  readonly versions: object | null;
  readonly connectionPoolBuilder: { build(address: BrokerAddress): Promise<object> };
  createBroker(options: object): {
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    leaveGroup(member: { groupId: string; memberId: string }): Promise<unknown>;
  };
}

/** A join under way; `ended` resolves when it succeeds or fails. */
interface Join {
  readonly group: JoiningGroup;
  readonly ended: Promise<void>;
  readonly leaving: AbortController;
}

/** Keyed by group id. */
const joins = new Map<string, Join>();
/** Groups that must not be joined any more. */
const left = new WeakSet<JoiningGroup>();

/** Runs `join`. Its signal aborts when {@linkcode stopJoining} leaves the group meanwhile. */
export async function whileJoining(
  group: JoiningGroup,
  join: (left: AbortSignal) => Promise<void>,
): Promise<void> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const leaving = new AbortController();
  joins.set(group.groupId, { group, ended, leaving });
  try {
    await join(leaving.signal);
  } finally {
    joins.delete(group.groupId);
    resolve();
  }
}

/** The group with this id, while it is being joined. */
export function joiningGroup(groupId: string): JoiningGroup | undefined {
  return joins.get(groupId)?.group;
}

/**
 * Leaves a group that is being joined; after the join, kafkajs leaves it. A coordinator answers a join when the slowest
 * member has joined, and reads nothing else from the connection until then. So kafkajs would not leave at all, and the
 * others would get no partitions until this member's session has timed out. A second connection leaves instead, and the
 * coordinator fails the join with an unknown member id.
 */
export async function stopJoining(groupId: string): Promise<void> {
  const join = joins.get(groupId);
  if (join === undefined) return;
  const { group, ended, leaving } = join;
  left.add(group);
  leaving.abort();
  const { coordinator, memberId, cluster: { brokerPool } } = group;
  // Without an id, the join is on its way or not yet sent. It leaves once it receives the id.
  if (coordinator === null || memberId === null) return await atMost(ended, ANSWER_MS);
  const { host, port, rack } = coordinator.connectionPool;
  const broker = brokerPool.createBroker({
    connectionPool: await brokerPool.connectionPoolBuilder.build({ host, port, rack }),
    logger: brokerPool.rootLogger,
    versions: brokerPool.versions,
  });
  try {
    await broker.connect();
    await broker.leaveGroup({ groupId, memberId });
  } finally {
    await broker.disconnect();
  }
}

/** Keeps the member id from when it is assigned (KIP-394), and stops kafkajs from joining a group that was left. */
export function followJoins(): void {
  const { joinGroup } = Broker.prototype;
  Broker.prototype.joinGroup = async function (request: { groupId: string }) {
    const group = joins.get(request.groupId)?.group;
    if (group === undefined) return await joinGroup.call(this, request);
    if (left.has(group)) throw notJoined();
    let hasIdTooLate = false;
    const lookupRequest = (...api: unknown[]) => {
      const create = this.lookupRequest(...api);
      return (payload: { memberId: string }) => {
        if (payload.memberId !== "") group.memberId = payload.memberId;
        hasIdTooLate = left.has(group);
        if (hasIdTooLate) throw notJoined();
        return create(payload);
      };
    };
    const following = Object.create(this, { lookupRequest: { value: lookupRequest } });
    try {
      return await joinGroup.call(following, request);
    } catch (error) {
      if (!left.has(group)) throw error;
      // `stopJoining` did not know the id, and the group waits for every member that has one.
      const { groupId, memberId } = group;
      if (hasIdTooLate) await this.leaveGroup({ groupId, memberId }).catch(() => {});
      throw notJoined(error);
    }
  };
}

function notJoined(cause?: unknown): Error {
  const reason = "The member has left its group before it had joined";
  return Object.assign(new Error(reason, { cause }), { retriable: false });
}
