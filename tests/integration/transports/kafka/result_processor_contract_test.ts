import { KafkaResultProcessor } from "../../../../src/transports/kafka/producer/result_processor.ts";
import { testResultProcessorContract } from "../../../contracts/result_processor.ts";
import { freshName, freshTopic, readTopic } from "../../../support/kafka/broker.ts";
import { resultProcessorConfig } from "../../../support/kafka/config.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

testResultProcessorContract("KafkaResultProcessor", async () => {
  const topic = await freshTopic("contract", { config: { "max.message.bytes": "10000" } });
  const context = { pipeline: "contract", log: new RecordedLog().log, limits: DEFAULT_LIMITS };
  return {
    open: () => KafkaResultProcessor.open(resultProcessorConfig({ topic }), context),
    async stored() {
      const records = await readTopic(topic);
      // kcat has no form for headers with any bytes in them.
      await using listening = await KafkaListening.open({ topic, group: freshName("contract") });
      await listening.received(records.length);
      return records.map(({ key, value }, index) => ({
        key,
        value,
        headers: listening.events[index]?.headers ?? [],
      }));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}, {
  keys: true,
  nullValue: true,
  binaryHeaders: true,
  repeatedHeaders: true,
  tooLargeBytes: 20_000,
});
