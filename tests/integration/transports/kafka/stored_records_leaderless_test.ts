import { assertRejects } from "@std/assert";
import { StoredRecords } from "../../../../src/transports/kafka/consumer/stored_records.ts";
import { BrokerPair } from "../../../../tools/kafka/mod.ts";
import { eventually } from "../../../support/eventually.ts";
import { freshName } from "../../../support/kafka/broker.ts";
import { resultProcessorConfig } from "../../../support/kafka/config.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

Deno.test("StoredRecords passes over no partition that has no leader, but says that there is one", async () => {
  await using brokers = await BrokerPair.start();
  const topic = await brokers.freshTopic("letters", [1, 2]);
  await brokers.second.kill();
  const context = {
    pipeline: "orders",
    log: new RecordedLog().log,
    limits: DEFAULT_LIMITS,
    reader: freshName("reader"),
    remembers: true,
  };
  const keys = { "bootstrap.servers": brokers.first.bootstrapServer };
  const open = () => StoredRecords.open(resultProcessorConfig({ topic, keys }), context);
  // Until the cluster notices, the broker that is away counts as the leader.
  let error = new Error();
  await eventually(async () => {
    error = await assertRejects(open, Error, "cannot look up the offsets of topic");
    return error.message.endsWith(`no broker leads ${topic}[1]`);
  }, { deadlineMs: 30_000, what: () => `the partition without a leader, found ${error.message}` });
});
