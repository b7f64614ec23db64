import Broker from "kafkajs/src/broker/index.js";
import BrokerPool from "kafkajs/src/cluster/brokerPool.js";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";

/** LEADER_NOT_AVAILABLE: the only refusal after which kafkajs asks for metadata again. */
const ASK_AGAIN = 5;

/**
 * As it comes, kafkajs forgets a broker whose connection has closed, even the only one that it knows, and all of them
 * when a broker that is just starting knows of none. A consumer that begins to fetch then ends ("No broker available").
 * From here on it keeps the last one until it knows of another one; where that cannot be reached, `bootstrap.servers`
 * are asked as ever.
 */
export function keepLastBroker(): void {
  const { removeBroker } = BrokerPool.prototype;
  BrokerPool.prototype.removeBroker = function (address: { host: string; port: number }): void {
    if (this.getNodeIds().length > 1) removeBroker.call(this, address);
    else this.metadataExpireAt = null;
  };
  const { metadata } = Broker.prototype;
  Broker.prototype.metadata = async function (topics: readonly string[]) {
    const answer = await metadata.call(this, topics);
    if (answer.brokers.length === 0) {
      throw Object.assign(createErrorFromCode(ASK_AGAIN), { message: "it knows of no broker yet" });
    }
    return answer;
  };
}
