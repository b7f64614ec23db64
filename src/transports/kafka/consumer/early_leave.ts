import { atMost } from "../../../core/backoff.ts";
import { withRequests } from "../kafkajs/own_requests.ts";
import type { Broker, ConsumerGroup } from "../kafkajs/types.ts";

/** How long to wait for a coordinator's response under way. */
const ANSWER_MS = 1000;

/** Index of the connection on which kafkajs fetches. It sends all other requests on the first one. */
const FETCH_CONNECTION = 1;

/**
 * Leaves a group while it is being joined. Once it is joined, kafkajs's own `disconnect()` leaves it.
 *
 * A coordinator answers a join when the slowest member has joined, and reads nothing else from the connection until
 * then. So kafkajs would not leave at all, and the others would get no partitions until this member's session has
 * timed out. The request to leave takes the connection for fetches, and the coordinator fails the join with an unknown
 * member id.
 */
export class EarlyLeave {
  /** Aborts when the group was left: then it must not be joined any more. */
  readonly #left = new AbortController();
  /** The join under way; `ended` resolves when it succeeds or fails. */
  #join: { readonly group: ConsumerGroup; readonly ended: Promise<void> } | null = null;

  /** Runs `join`. Its signal aborts when {@linkcode leave} leaves the group meanwhile. */
  async whileJoining(
    group: ConsumerGroup,
    join: (left: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#join = { group, ended };
    try {
      await join(this.#left.signal);
    } finally {
      this.#join = null;
      resolve();
    }
  }

  /** Leaves the group if it is being joined. */
  async leave(): Promise<void> {
    if (this.#join === null) return;
    const { group, ended } = this.#join;
    this.#left.abort();
    const { groupId, coordinator, memberId } = group;
    // Without an id, the join is on its way or not yet sent. It leaves once it receives the id.
    if (coordinator === null || memberId === null) return await atMost(ended, ANSWER_MS);
    const { connectionPool: pool } = coordinator;
    const getConnectionByRequest = { value: () => pool.getConnection(FETCH_CONNECTION) };
    const connectionPool = { value: Object.create(pool, { getConnectionByRequest }) };
    const broker: Broker = Object.create(coordinator, { connectionPool });
    await broker.leaveGroup({ groupId, memberId });
  }

  /** Keeps the member id from when it is assigned (KIP-394), and does not join a group that was left. */
  async joinGroup<T>(broker: Broker, joinGroup: (broker: object) => Promise<T>): Promise<T> {
    const group = this.#join?.group;
    if (group === undefined) return await joinGroup(broker);
    const { signal: left } = this.#left;
    if (left.aborted) throw notJoined();
    let hasIdTooLate = false;
    const joining = withRequests(broker, (create) => (payload: { readonly memberId: string }) => {
      if (payload.memberId !== "") group.memberId = payload.memberId;
      hasIdTooLate = left.aborted;
      if (hasIdTooLate) throw notJoined();
      return create(payload as never);
    });
    try {
      return await joinGroup(joining);
    } catch (error) {
      if (!left.aborted) throw error;
      // `leave()` did not know the id, and the group waits for every member that has one.
      const { groupId, memberId } = group;
      if (hasIdTooLate) await broker.leaveGroup({ groupId, memberId }).catch(() => {});
      throw notJoined(error);
    }
  }
}

function notJoined(cause?: unknown): Error {
  const reason = "The member has left its group before it had joined";
  return Object.assign(new Error(reason, { cause }), { retriable: false });
}
