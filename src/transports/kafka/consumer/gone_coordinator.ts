import type { ConsumerGroup } from "./kafkajs_types.ts";

/**
 * Returns the error of a failed heartbeat, or NOT_COORDINATOR_FOR_GROUP if the coordinator has left the cluster.
 * kafkajs would keep asking that broker, and commit nothing for most of a minute. With this error it finds the new
 * coordinator and rejoins.
 */
export function heartbeatFailure(
  error: unknown,
  { coordinator, cluster }: Pick<ConsumerGroup, "coordinator" | "cluster">,
): unknown {
  const { metadata } = cluster.brokerPool;
  // A broker that answers has not left.
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
