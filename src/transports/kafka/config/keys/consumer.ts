import { choice, integer, type Scalar, text } from "../../../../schema/scalar.ts";
import { fixed, mapped, refused, withoutEffect } from "./config_key.ts";

/** An assignment strategy, by the name that all clients use. */
export type AssignmentStrategy = "range" | "roundrobin";

const COMMITS_ITSELF = "eventor commits an event itself once its result is stored: write false";

/** Keys that only `consumerConfig` has, and whose values eventor uses. */
export const CONSUMER_KEYS = {
  groupId: mapped(["group.id"], text(), { meaning: "Required. The consumer group" }),
  autoOffsetReset: mapped(
    ["auto.offset.reset"],
    choice<"earliest" | "latest">({
      earliest: "earliest",
      smallest: "earliest",
      beginning: "earliest",
      latest: "latest",
      largest: "latest",
      end: "latest",
    }, { refused: { error: "'error' is not supported: write earliest or latest" } }),
    {
      default: "latest",
      meaning:
        "Where a group without offsets starts: `earliest` at the first event; `latest` at the " +
        "end, at the first start only",
    },
  ),
  sessionTimeoutMs: mapped(["session.timeout.ms"], integer(1, 3_600_000), {
    default: 30_000,
    meaning:
      "How long the group waits for a heartbeat before it removes a member (librdkafka: 45000)",
  }),
  heartbeatIntervalMs: mapped(["heartbeat.interval.ms"], integer(1, 3_600_000), {
    default: 3000,
    meaning: "How often a member sends a heartbeat",
  }),
  rebalanceTimeoutMs: mapped(["max.poll.interval.ms"], integer(1, 86_400_000), {
    meaning:
      "How long a rebalance waits for members. The default is 60000, or `session.timeout.ms` if " +
      "that is longer (librdkafka: 300000). It does not limit calls",
  }),
  minBytes: mapped(["fetch.min.bytes"], integer(1, 100_000_000), {
    default: 1,
    meaning: "How many bytes a broker collects before it responds",
  }),
  maxWaitTimeMs: mapped(["fetch.wait.max.ms"], integer(0, 300_000), {
    default: 500,
    meaning: "How long a broker collects at most",
  }),
  maxBytesPerPartition: mapped(
    ["fetch.message.max.bytes", "max.partition.fetch.bytes"],
    integer(1, 1_000_000_000),
    {
      default: 262_144,
      meaning: "How many bytes of one partition a broker sends at once (librdkafka: 1048576)",
    },
  ),
  maxBytes: mapped(["fetch.max.bytes"], integer(1, 2_147_483_135), {
    default: 10_485_760,
    meaning: "How many bytes a broker sends at once (librdkafka: 52428800)",
  }),
  readUncommitted: mapped(
    ["isolation.level"],
    choice({ read_committed: false, read_uncommitted: true }),
    {
      default: "read_committed",
      meaning: "`read_committed`: only events of committed transactions, and those without a " +
        "transaction; `read_uncommitted`: all events",
    },
  ),
  assignmentStrategies: mapped(["partition.assignment.strategy"], assignmentStrategies(), {
    default: "range,roundrobin",
    meaning:
      "The assignment strategies of this member: `range`, `roundrobin`, or both, the preferred " +
      "one first. All members must have one in common",
  }),
  rackId: mapped(["client.rack"], text(), {
    meaning: "The client's rack, so that it can fetch from a replica nearby",
  }),
};

/** The other keys that only `consumerConfig` has. */
export const OTHER_CONSUMER_KEYS = [
  fixed(
    "enable.auto.commit",
    false,
    { true: COMMITS_ITSELF },
    ": eventor commits an event itself once its result is stored",
  ),
  fixed("group.protocol", "classic", {
    consumer: "the protocol of KIP-848 is not supported: leave it out",
  }),
  withoutEffect("check.crcs", "has no effect in eventor, which always checks the CRC"),
  withoutEffect(
    "auto.commit.interval.ms",
    "has no effect in eventor, which decides when to commit",
  ),
  withoutEffect(
    "queued.min.messages queued.max.messages.kbytes fetch.queue.backoff.ms",
    "has no effect in eventor, which has its own limits for prefetching",
  ),
  withoutEffect("message.max.bytes", "has no effect in eventor: a consumer sends no records"),
  withoutEffect(`
    fetch.error.backoff.ms coordinator.query.interval.ms group.protocol.type enable.partition.eof
    consume.callback.max.messages
  `),
  refused(
    "auto.commit.enable enable.auto.offset.store",
    "eventor commits an event itself once its result is stored: leave it out",
  ),
  refused("offset.store.*", "brokers always store the offsets: leave it out"),
  refused("group.instance.id", "static membership is not supported"),
  refused("group.remote.assignor", "the protocol of KIP-848 is not supported"),
  refused("fetch.max.wait.ms", "librdkafka's name for it is 'fetch.wait.max.ms'"),
];

function assignmentStrategies(): Scalar<readonly AssignmentStrategy[]> {
  const expected = "'range', 'roundrobin' or 'range,roundrobin'";
  return {
    expected,
    json: { type: "string", examples: ["range,roundrobin", "range", "roundrobin"] },
    read(input) {
      const names = typeof input === "string" ? input.split(",").map((name) => name.trim()) : [];
      const unsupported = names.find((name) => /sticky/i.test(name));
      if (unsupported !== undefined) {
        const refused =
          `'${unsupported}' is not supported: write range,roundrobin here, and add range to the other ` +
          "members of the group";
        return { refused };
      }
      const isUsable = names.length > 0 && names.every(isStrategy) &&
        new Set(names).size === names.length;
      return isUsable ? { value: names } : { expected };
    },
  };
}

function isStrategy(name: string): name is AssignmentStrategy {
  return name === "range" || name === "roundrobin";
}
