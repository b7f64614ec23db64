/** A topic by the servers of its cluster, any of which is enough to know it by. */
export function placesByServers(topic: string, servers: readonly string[]): readonly string[] {
  return servers.map((server) => `kafka ${server} ${topic}`);
}

/** A topic by what its cluster tells of itself: its id, or its brokers when it has none. */
export function placesByCluster(
  topic: string,
  { clusterId, brokers }: { clusterId: string | null | undefined; brokers: readonly string[] },
): readonly string[] {
  // Kafka always has an id. What speaks its protocol without being Kafka may have none, whatever kafkajs's types say.
  if (clusterId === null || clusterId === undefined || clusterId === "") {
    return placesByServers(topic, brokers);
  }
  // An id can be any text; encoded, it is one word that a log can show.
  return [`kafka cluster ${encodeURIComponent(clusterId)} topic ${topic}`];
}
