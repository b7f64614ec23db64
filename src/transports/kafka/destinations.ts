/** Identifies a topic by the servers of its cluster: one text in common means the same topic. */
export function destinationsByServers(
  topic: string,
  servers: readonly string[],
): readonly string[] {
  return servers.map((server) => `kafka ${server} ${topic}`);
}

/** Identifies a topic by the id of its cluster, or by the brokers of a cluster without id. */
export function destinationsByCluster(
  topic: string,
  { clusterId, brokers }: { clusterId: string | null | undefined; brokers: readonly string[] },
): readonly string[] {
  // Kafka always has an id. Other servers with its protocol may have none, despite kafkajs's types.
  if (clusterId === null || clusterId === undefined || clusterId === "") {
    return destinationsByServers(topic, brokers);
  }
  // An id can be any text; encoded, it is one word that is safe to log.
  return [`kafka cluster ${encodeURIComponent(clusterId)} topic ${topic}`];
}
