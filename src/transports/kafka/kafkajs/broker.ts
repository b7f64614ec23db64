import Broker from "kafkajs/src/broker/index.js";
import { createErrorFromCode } from "./protocol.ts";
import { replacement } from "./replacement.ts";

/** LEADER_NOT_AVAILABLE: the only error code after which kafkajs requests metadata again. */
const ASK_AGAIN = 5;

const { metadata } = Broker.prototype;

export const BROKER = replacement("Broker", Broker.prototype, {
  /** Asks again when a broker that is starting lists no brokers: kafkajs would forget all of them. */
  async metadata(topics: readonly string[]): Promise<unknown> {
    const response = await metadata.call(this, topics);
    if (response.brokers.length > 0) return response;
    throw Object.assign(createErrorFromCode(ASK_AGAIN), { message: "it knows of no broker yet" });
  },
});
