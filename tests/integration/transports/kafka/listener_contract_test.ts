import { Logger } from "../../../../src/core/log.ts";
import { KafkaListener } from "../../../../src/transports/kafka/consumer/listener.ts";
import { kafkaListener } from "../../../../src/transports/kafka/mod.ts";
import { testListenerContract } from "../../../contracts/listener.ts";
import { freshName, freshTopic, produce } from "../../../support/kafka/broker.ts";
import { listenerConfig } from "../../../support/kafka/config.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";

testListenerContract("KafkaListener", async () => {
  const topic = await freshTopic("contract");
  const config = listenerConfig({ topic, group: freshName("contract") });
  const context = {
    pipeline: "contract",
    log: new Logger(() => {}, { level: "ERROR" }),
    limits: DEFAULT_LIMITS,
  };
  return {
    send: (records) => produce(topic, records),
    open: () => KafkaListener.open(config, context),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}, {
  keys: true,
  nullValue: true,
  binaryHeaders: true,
  repeatedHeaders: true,
  ...kafkaListener.promises,
  facts: kafkaListener.facts,
  maxUnsettled: DEFAULT_LIMITS.maxLookahead,
});
