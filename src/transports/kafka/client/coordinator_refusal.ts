import BrokerPool from "kafkajs/src/cluster/brokerPool.js";
import { isRefusal } from "./client_failure.ts";

/** Patches kafkajs: when no broker names a group's coordinator, the caller gets the refusal that kafkajs drops. */
export function keepCoordinatorRefusals(): void {
  const { withBroker } = BrokerPool.prototype;
  BrokerPool.prototype.withBroker = async function (ask: (broker: object) => Promise<unknown>) {
    const refusals: unknown[] = [];
    const answer = await withBroker.call(this, async (broker: object) => {
      try {
        return await ask(broker);
      } catch (error) {
        if (isRefusal(error)) refusals.push(error);
        throw error;
      }
    });
    if (answer === null && refusals.length > 0) throw refusals[0];
    return answer;
  };
}
