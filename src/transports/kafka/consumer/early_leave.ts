import Broker from "kafkajs/src/broker/index.js";
import { atMost } from "../../../core/backoff.ts";

/** For a coordinator's answer that is under way. */
const ANSWER_MS = 1000;

/** What kafkajs's group of a consumer knows while it joins, as far as it is used here. */
export interface JoiningGroup {
  readonly groupId: string;
  /** Absent until the coordinator has given it one. */
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

/** A group that is being joined; `ended` resolves when that has come to its end, whatever that is. */
interface Join {
  readonly group: JoiningGroup;
  readonly ended: Promise<void>;
  readonly leaving: AbortController;
}

/** By the ids of their groups. */
const joins = new Map<string, Join>();
/** They are not joined any more. */
const left = new WeakSet<JoiningGroup>();

/** Runs `join`, during which the group can be left by {@linkcode stopJoining}, which the signal tells. */
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

/** The group of that id, while it is being joined. */
export function joiningGroup(groupId: string): JoiningGroup | undefined {
  return joins.get(groupId)?.group;
}

/**
 * Leaves a group if it is being joined; whoever has joined leaves it through kafkajs. Until a coordinator has let a
 * member join, which it does when the slowest one has come, it reads nothing more from the connection. So kafkajs would
 * not leave at all, and the others would get no partitions until the session of whom they wait for had run out. Another
 * connection says it, and the coordinator answers the first one that it does not know the member any more.
 */
export async function stopJoining(groupId: string): Promise<void> {
  const join = joins.get(groupId);
  if (join === undefined) return;
  const { group, ended, leaving } = join;
  left.add(group);
  leaving.abort();
  const { coordinator, memberId, cluster: { brokerPool } } = group;
  // Without an id, it is on its way or not yet asked for: whoever gets it then leaves instead of joining.
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

/** Has kafkajs keep the id of a member from when it is given (KIP-394), and not try again to join a group that was left. */
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
      // Whoever left did not know the id, and the group waits for everybody to whom it gave one.
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
