import BrokerPool from "kafkajs/src/cluster/brokerPool.js";
import Cluster from "kafkajs/src/cluster/index.js";
import { KafkaJSBrokerNotFound } from "kafkajs/src/errors.js";
import Requests from "kafkajs/src/protocol/requests/index.js";

const NO_LEADER = -1;

/** What kafkajs makes of a metadata response, as far as it is used here. */
interface Metadata {
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly partitionMetadata: readonly { partitionErrorCode: number; leader: number }[];
  }[];
}

/** A broker of a pool, and who it is. */
interface PoolBroker {
  readonly nodeId: string;
  readonly broker: object;
}

/**
 * As it comes, kafkajs learns nothing of a cluster while one of its topics' partitions has no leader, or another error.
 * From here on such a partition has the leader -1, and only who needs that partition notices. A broker that cannot be
 * reached is passed over when any other can answer as well.
 */
export function outlastPartialOutages(): void {
  readPartialMetadata();
  leaveOutLeaderless();
  askReachableBrokers();
}

function readPartialMetadata(): void {
  const { versions, protocol } = Requests.requests.Metadata;
  Requests.requests.Metadata = {
    versions,
    protocol: ({ version }: { version: number }) => (request: unknown) => {
      const metadata = protocol({ version })(request);
      const { decode, parse } = metadata.response;
      // A topic's own errors stay errors.
      const parsePartial = (answer: Metadata) => parse(withoutPartitionErrors(answer));
      return { ...metadata, response: { decode, parse: parsePartial } };
    },
  };
}

function withoutPartitionErrors(metadata: Metadata): Metadata {
  for (const { partitionMetadata } of metadata.topicMetadata) {
    // A leader that is named beside an error may serve all the same, as when one of its followers is away.
    for (const partition of partitionMetadata) partition.partitionErrorCode = 0;
  }
  return metadata;
}

/** Whoever asks the leaders of several partitions, for their offsets, say, gets the answers that there are. */
function leaveOutLeaderless(): void {
  const { findLeaderForPartitions } = Cluster.prototype;
  Cluster.prototype.findLeaderForPartitions = function (
    topic: string,
    partitions: readonly number[],
  ): Record<string, readonly number[]> {
    const byLeader = findLeaderForPartitions.call(this, topic, partitions);
    delete byLeader[NO_LEADER];
    return byLeader;
  };
}

function askReachableBrokers(): void {
  BrokerPool.prototype.withBroker = async function (
    ask: (broker: PoolBroker) => Promise<unknown>,
  ): Promise<unknown> {
    const nodeIds: readonly string[] = this.getNodeIds();
    if (nodeIds.length === 0) throw new KafkaJSBrokerNotFound("No brokers in the broker pool");
    const isConnected = (nodeId: string) => this.brokers[nodeId]?.isConnected() === true;
    const failures: unknown[] = [];
    for (const nodeId of nodeIds.toSorted((a, b) => +isConnected(b) - +isConnected(a))) {
      const broker = await this.findBroker({ nodeId }).catch((error: unknown) => {
        failures.push(error);
        return null;
      });
      try {
        if (broker !== null) return await ask({ nodeId, broker });
      } catch {
        // Another one may have an answer.
      }
    }
    if (failures.length === nodeIds.length) throw failures[0];
    return null;
  };
}
