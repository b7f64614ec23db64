import BrokerPool from "kafkajs/src/cluster/brokerPool.js";
import Cluster from "kafkajs/src/cluster/index.js";
import { KafkaJSBrokerNotFound } from "kafkajs/src/errors.js";
import Requests from "kafkajs/src/protocol/requests/index.js";

const NO_LEADER = -1;

/** The fields of a decoded Metadata response used here. */
interface Metadata {
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly partitionMetadata: readonly { partitionErrorCode: number; leader: number }[];
  }[];
}

/** A broker of kafkajs's pool with its id. */
interface PoolBroker {
  readonly nodeId: string;
  readonly broker: object;
}

/**
 * Patches kafkajs: a partition without a leader gets the leader -1, and only requests for it fail. Where any broker can
 * answer, unreachable ones are skipped. Unpatched, kafkajs rejects all metadata while one partition has an error.
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
    // A leader named with an error may still work, as when one of its followers is away.
    for (const partition of partitionMetadata) partition.partitionErrorCode = 0;
  }
  return metadata;
}

/** A request to the leaders of several partitions, such as for offsets, skips those without a leader. */
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
        // Another broker may answer.
      }
    }
    if (failures.length === nodeIds.length) throw failures[0];
    return null;
  };
}
