/** What kafkajs's group of a consumer knows of its coordinator, as far as it is used here. */
export interface CoordinatedGroup {
  readonly coordinator: { readonly nodeId: number | string } | null;
  readonly cluster: {
    readonly brokerPool: {
      /** What the cluster last said of itself. Brokers of the pool also leave it when a connection was closed. */
      readonly metadata: { readonly brokers: readonly { readonly nodeId: number }[] } | null;
    };
  };
}

/**
 * What a failed heartbeat means. As it comes, kafkajs goes on asking the broker with which it has joined, also when that
 * broker has left the cluster: nothing is committed then until its patience ends, after most of a minute. In the words
 * of a broker that is not the coordinator any more, it finds the one that is, and joins anew.
 */
export function heartbeatFailure(
  error: unknown,
  { coordinator, cluster }: CoordinatedGroup,
): unknown {
  const { metadata } = cluster.brokerPool;
  // Who answers has not gone.
  const isAnswer = error instanceof Error && error.name === "KafkaJSProtocolError";
  if (isAnswer || coordinator === null || metadata === null) return error;
  const isThere = metadata.brokers.some(({ nodeId }) => `${nodeId}` === `${coordinator.nodeId}`);
  if (isThere) return error;
  const reason = `Broker ${coordinator.nodeId}, which coordinated the group, has left the cluster`;
  return Object.assign(new Error(reason, { cause: error }), {
    type: "NOT_COORDINATOR_FOR_GROUP",
    retriable: true,
  });
}
