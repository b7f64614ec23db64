import { boolean, choice, integer } from "../../../../schema/scalar.ts";
import { fixed, mapped, refused, withoutEffect } from "./config_key.ts";

const MAX_INTEGER = 2_147_483_647;

/** Keys that only `producerConfig` has, and whose values eventor uses. */
export const PRODUCER_KEYS = {
  acks: mapped(
    ["acks", "request.required.acks"],
    choice<-1 | 1>({ all: -1, "-1": -1, 1: 1 }, {
      expected: "all, -1 or 1",
      offered: ["all", -1, 1],
      refused: { 0: "with 0, results could be lost unnoticed: write all" },
    }),
    {
      default: "all",
      meaning:
        "How many replicas must store a result: `all` that are in sync, or `1`, with a warning",
    },
  ),
  requestTimeoutForAcksMs: mapped(["request.timeout.ms"], integer(1, 900_000), {
    default: 5000,
    meaning:
      "How long a broker waits until other replicas have stored a result. The client waits at " +
      "least a second longer (librdkafka: 30000)",
  }),
  retries: mapped(["message.send.max.retries", "retries"], integer(0, MAX_INTEGER), {
    default: 3,
    meaning: "How often the client repeats a request before eventor publishes the result again " +
      "(librdkafka: 2147483647)",
  }),
  idempotent: mapped(["enable.idempotence"], boolean(), {
    default: false,
    meaning: "Whether brokers detect repeated requests",
  }),
  maxRecordBytes: mapped(["message.max.bytes"], integer(1000, 1_000_000_000), {
    default: 1_000_000,
    meaning:
      "The largest result in bytes: key, value and headers before compression. A larger one is " +
      "not sent. For a `deadLetter` the default is `100000000`, so that the limit of its topic " +
      "applies",
  }),
  lingerMs: mapped(["linger.ms", "queue.buffering.max.ms"], integer(0, 900_000), {
    default: 0,
    meaning:
      "How long a result waits for others when no request is in progress. During a request, " +
      "results always wait (librdkafka: 5)",
  }),
  maxBatchBytes: mapped(["batch.size"], integer(1, MAX_INTEGER), {
    default: 1_000_000,
    meaning:
      "How many bytes of results for one partition a request may have, before compression. " +
      "eventor reduces it if the topic accepts less",
  }),
  maxBatchRecords: mapped(["batch.num.messages"], integer(1, 1_000_000), {
    default: 10_000,
    meaning: "How many results for one partition a request may have",
  }),
  compression: mapped(
    ["compression.type", "compression.codec"],
    choice<"none" | "gzip" | "snappy" | "lz4" | "zstd">(
      { none: "none", gzip: "gzip", snappy: "snappy", lz4: "lz4", zstd: "zstd" },
    ),
    {
      default: "none",
      meaning:
        "How results are compressed. For a `deadLetter` the default is `gzip`, because events may " +
        "be compressed in their topic",
    },
  ),
};

/**
 * The same keys with the defaults of a `deadLetter`: only its topic limits dead letters, which are larger than their
 * events. A broker accepts requests of up to 104,857,600 bytes (`socket.request.max.bytes`), and closes the connection
 * when one is larger.
 */
export const DEAD_LETTER_KEYS = {
  ...PRODUCER_KEYS,
  maxRecordBytes: { ...PRODUCER_KEYS.maxRecordBytes, default: 100_000_000 },
  compression: { ...PRODUCER_KEYS.compression, default: "gzip" },
};

/** The other keys that only `producerConfig` has. */
export const OTHER_PRODUCER_KEYS = [
  fixed(
    "partitioner",
    "murmur2_random",
    Object.fromEntries(
      ["random", "consistent", "consistent_random", "murmur2", "fnv1a", "fnv1a_random"]
        .map((name) => [name, "only 'murmur2_random' is supported: leave it out"]),
    ),
    ", as in the Java client (librdkafka: consistent_random)",
  ),
  fixed("queuing.strategy", "fifo", {
    lifo: "eventor keeps the order of results: leave it out",
  }),
  fixed("enable.gapless.guarantee", false, { true: "it is not supported: leave it out" }),
  withoutEffect(
    "message.timeout.ms delivery.timeout.ms",
    "has no effect in eventor, which publishes a result until it is stored",
  ),
  withoutEffect(
    `queue.buffering.max.messages queue.buffering.max.kbytes
    queue.buffering.backpressure.threshold`,
    "has no effect in eventor: the pipeline's maxBufferedBytes limits waiting results",
  ),
  withoutEffect(
    "sticky.partitioning.linger.ms",
    "has no effect in eventor: results without a key change partitions with each request",
  ),
  withoutEffect("compression.level delivery.report.only.error produce.offset.report client.rack"),
  refused("transactional.id transaction.timeout.ms", "transactions are not supported"),
  refused("msg_order_cmp", "it exists only in the C library librdkafka"),
];
