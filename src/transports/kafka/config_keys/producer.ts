import { boolean, choice, integer } from "../../../config/scalar.ts";
import { fixed, mappedOr, refused, withoutEffect } from "./config_key.ts";

const MAX_INTEGER = 2_147_483_647;
const NO_BATCHES = "has no effect in eventor: each result is sent at once";
const NO_DEADLINE =
  "has no effect in eventor: a result is published again and again until it is stored";
const NO_TRANSACTIONS = "transactions are not supported";
const OTHER_PARTITIONER = "only 'murmur2_random' is supported: leave it out";

/** Keys of `producerConfig` alone, with a value. */
export const PRODUCER_KEYS = {
  acks: mappedOr(["acks", "request.required.acks"], {
    scalar: choice<-1 | 1>({ all: -1, "-1": -1, 1: 1 }, {
      expected: "all, -1 or 1",
      offered: ["all", -1, 1],
      refused: { 0: "with 0 a result could be lost without anyone knowing: write all" },
    }),
    default: "all",
    meaning: "How many brokers store a result before it counts as stored; `1` with a warning",
  }),
  requestTimeoutForAcksMs: mappedOr(["request.timeout.ms"], {
    scalar: integer(1, 900_000),
    default: 5000,
    meaning:
      "How long a broker waits for the others to store a result; the client waits a second " +
      "longer at least (librdkafka: 30000)",
  }),
  retries: mappedOr(["message.send.max.retries", "retries"], {
    scalar: integer(0, MAX_INTEGER),
    default: 3,
    meaning: "How often the client itself repeats a request; eventor repeats after that " +
      "(librdkafka: 2147483647)",
  }),
  idempotent: mappedOr(["enable.idempotence"], {
    scalar: boolean(),
    default: false,
    meaning: "Whether brokers recognize a request that is repeated",
  }),
  compression: mappedOr(["compression.type", "compression.codec"], {
    scalar: choice<"none" | "gzip" | "snappy" | "zstd">(
      { none: "none", gzip: "gzip", snappy: "snappy", zstd: "zstd" },
      { refused: { lz4: "writing lz4 is not supported: use gzip, snappy or zstd" } },
    ),
    default: "none",
    meaning: "How results are compressed",
  }),
};

/** The other keys of `producerConfig` alone. */
export const OTHER_PRODUCER_KEYS = [
  fixed(["partitioner"], {
    scalar: choice({ murmur2_random: "murmur2_random" }, {
      refused: Object.fromEntries(
        ["random", "consistent", "consistent_random", "murmur2", "fnv1a", "fnv1a_random"]
          .map((name) => [name, OTHER_PARTITIONER]),
      ),
    }),
    default: "murmur2_random",
    meaning: "Only `murmur2_random`, as the Java client (librdkafka: consistent_random)",
  }),
  fixed(["queuing.strategy"], {
    scalar: choice({ fifo: "fifo" }, {
      refused: { lifo: "results are sent in their order: leave it out" },
    }),
    default: "fifo",
    meaning: "Only `fifo`",
  }),
  fixed(["enable.gapless.guarantee"], {
    scalar: boolean({ true: "it is not supported: leave it out" }),
    default: false,
    meaning: "Only `false`",
  }),
  withoutEffect(["message.timeout.ms", "delivery.timeout.ms"], NO_DEADLINE),
  withoutEffect(["linger.ms", "queue.buffering.max.ms"], NO_BATCHES),
  withoutEffect(["batch.num.messages"], NO_BATCHES),
  withoutEffect(["batch.size"], NO_BATCHES),
  withoutEffect(["queue.buffering.max.messages"], NO_BATCHES),
  withoutEffect(["queue.buffering.max.kbytes"], NO_BATCHES),
  withoutEffect(["queue.buffering.backpressure.threshold"], NO_BATCHES),
  withoutEffect(["sticky.partitioning.linger.ms"], NO_BATCHES),
  withoutEffect(["compression.level"]),
  withoutEffect(["delivery.report.only.error"]),
  withoutEffect(["produce.offset.report"]),
  withoutEffect(["client.rack"]),
  refused(["transactional.id"], NO_TRANSACTIONS),
  refused(["transaction.timeout.ms"], NO_TRANSACTIONS),
  refused(["msg_order_cmp"], "it belongs to the C library librdkafka"),
];
