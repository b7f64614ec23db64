import Broker from "kafkajs/src/broker/index.js";

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

/** By their ids. */
const joining = new Map<string, JoiningGroup>();
/** They are not joined any more. */
const left = new WeakSet<JoiningGroup>();

/** Runs `join`, during which the group can be left by {@linkcode stopJoining}. */
export async function whileJoining(group: JoiningGroup, join: () => Promise<void>): Promise<void> {
  joining.set(group.groupId, group);
  try {
    await join();
  } finally {
    joining.delete(group.groupId);
  }
}

/**
 * Leaves a group if it is being joined; whoever has joined leaves it through kafkajs. Until a coordinator has let a
 * member join, which it does when the slowest one has come, it reads nothing more from the connection. So kafkajs would
 * not leave at all, and the others would get no partitions until the session of whom they wait for had run out. Another
 * connection says it, and the coordinator answers the first one that it does not know the member any more.
 */
export async function stopJoining(groupId: string): Promise<void> {
  const group = joining.get(groupId);
  if (group === undefined) return;
  left.add(group);
  const { coordinator, memberId, cluster: { brokerPool } } = group;
  if (coordinator === null || memberId === null) return;
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
    const group = joining.get(request.groupId);
    if (group === undefined) return await joinGroup.call(this, request);
    const lookupRequest = (...api: unknown[]) => {
      const create = this.lookupRequest(...api);
      return (payload: { memberId: string }) => {
        if (payload.memberId !== "") group.memberId = payload.memberId;
        return create(payload);
      };
    };
    const following = Object.create(this, { lookupRequest: { value: lookupRequest } });
    try {
      return await joinGroup.call(following, request);
    } catch (error) {
      if (!left.has(group)) throw error;
      const reason = "The member has left its group before it had joined";
      throw Object.assign(new Error(reason, { cause: error }), { retriable: false });
    }
  };
}
