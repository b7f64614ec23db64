import Broker from "kafkajs/src/broker/index.js";
import BrokerPool from "kafkajs/src/cluster/brokerPool.js";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";

/** LEADER_NOT_AVAILABLE: the only error code after which kafkajs requests metadata again. */
const ASK_AGAIN = 5;

/**
 * Patches kafkajs: it keeps the last broker it knows until it learns of another. If that one is unreachable, kafkajs
 * asks `bootstrap.servers` as usual. Unpatched, kafkajs forgets each broker whose connection closes, and all of them
 * when a starting broker lists none. A consumer that then begins to fetch ends with "No broker available".
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
