import { boolean, integer, text } from "../../../../schema/scalar.ts";
import { fixed, mapped, refused, withoutEffect } from "./config_key.ts";
import { servers } from "./servers.ts";

const MAX_INTEGER = 2_147_483_647;

/** Keys of both blocks for connections to brokers, whose values eventor uses. */
export const CONNECTION_KEYS = {
  bootstrapServers: mapped(["bootstrap.servers", "metadata.broker.list"], servers(), {
    meaning:
      "Required. The brokers to connect to first. IPv6 addresses are in brackets; the default " +
      "port is 9092",
  }),
  clientId: mapped(["client.id"], text(), {
    default: "eventor",
    meaning: "The name by which brokers know the client",
  }),
  connectionTimeoutMs: mapped(["socket.connection.setup.timeout.ms"], integer(1000, MAX_INTEGER), {
    default: 5000,
    meaning: "The time limit for connecting (librdkafka: 30000)",
  }),
  requestTimeoutMs: mapped(["socket.timeout.ms"], integer(10, 300_000), {
    default: 10_000,
    meaning: "The time limit for a broker's response (librdkafka: 60000)",
  }),
  metadataRefreshMs: mapped(["topic.metadata.refresh.interval.ms"], integer(10, 3_600_000), {
    meaning:
      "How often eventor refreshes what it knows of topics and brokers. The default is 60000 " +
      "(librdkafka: 300000)",
  }),
  metadataMaxAgeMs: mapped(["metadata.max.age.ms"], integer(1, 86_400_000), {
    meaning: "An alias of `topic.metadata.refresh.interval.ms`, which takes precedence",
  }),
  reconnectBackoffMs: mapped(["reconnect.backoff.ms"], integer(0, 3_600_000), {
    meaning:
      "The first pause before another attempt to connect or to send a request. The default is " +
      "500 (librdkafka: 100)",
  }),
  reconnectBackoffMaxMs: mapped(["reconnect.backoff.max.ms"], integer(0, 3_600_000), {
    meaning:
      "The longest such pause. The default is 30000 (librdkafka: 10000). While a listener runs, " +
      "it is at most 5000",
  }),
  retryBackoffMs: mapped(["retry.backoff.ms"], integer(1, 300_000), {
    meaning: "An alias of `reconnect.backoff.ms`, which takes precedence",
  }),
  retryBackoffMaxMs: mapped(["retry.backoff.max.ms"], integer(1, 300_000), {
    meaning: "An alias of `reconnect.backoff.max.ms`, which takes precedence",
  }),
  maxInFlightRequests: mapped(
    ["max.in.flight.requests.per.connection", "max.in.flight"],
    integer(1, 1_000_000),
    {
      default: 1_000_000,
      meaning:
        "How many requests may wait for the responses of one broker. For a producer it is always " +
        "1: later results share the next request",
    },
  ),
  maxResponseBytes: mapped(["receive.message.max.bytes"], integer(1000, MAX_INTEGER), {
    meaning:
      "The largest response of a broker. The default is 100000000. For a consumer it is at " +
      "least `fetch.max.bytes` plus 512. If a broker announces a larger response, eventor " +
      "closes the connection before it allocates memory",
  }),
  allowAutoTopicCreation: mapped(["allow.auto.create.topics"], boolean(), {
    default: false,
    meaning: "Whether a request for a missing topic may create it (librdkafka's producer: true)",
  }),
};

/** The other keys of both blocks, except those for TLS and SASL. */
export const OTHER_CONNECTION_KEYS = [
  fixed("broker.address.family", "any", {
    v4: "eventor connects to IPv4 and IPv6 alike: leave it out",
    v6: "eventor connects to IPv4 and IPv6 alike: leave it out",
  }),
  withoutEffect("log_level debug", "has no effect in eventor: the pipeline's logLevel decides"),
  withoutEffect(
    "statistics.interval.ms",
    "has no effect in eventor, which has no such statistics",
  ),
  withoutEffect("socket.keepalive.enable", "has no effect in eventor: keep-alive is always on"),
  withoutEffect(`
    socket.nagle.disable socket.send.buffer.bytes socket.receive.buffer.bytes
    socket.blocking.max.ms socket.max.fails broker.address.ttl client.dns.lookup
    connections.max.idle.ms reconnect.backoff.jitter.ms message.copy.max.bytes
    metadata.recovery.strategy metadata.recovery.rebootstrap.trigger.ms
    topic.metadata.refresh.fast.interval.ms topic.metadata.refresh.fast.cnt
    topic.metadata.refresh.sparse topic.metadata.propagation.max.ms topic.blacklist
    enable.metrics.push enable.random.seed enabled_events internal.termination.signal
    log.connection.close log.queue log.thread.name
  `),
  refused(
    "api.version.* broker.version.fallback",
    "eventor always negotiates protocol versions: leave it out",
  ),
  refused(
    "builtin.features default_topic_conf interceptors opaque plugin.library.paths *_cb",
    "it exists only in the C library librdkafka",
  ),
];
