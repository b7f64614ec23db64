import { boolean, choice, integer, text } from "../../../../schema/scalar.ts";
import { fixed, mapped, mappedOr, refused, withoutEffect } from "./config_key.ts";
import { servers } from "./servers.ts";

const MAX_INTEGER = 2_147_483_647;

/** Keys of both blocks for connections to brokers, whose values eventor uses. */
export const CONNECTION_KEYS = {
  bootstrapServers: mapped(["bootstrap.servers", "metadata.broker.list"], {
    scalar: servers(),
    meaning:
      "Required. The brokers to connect to first. IPv6 addresses are in brackets; the default " +
      "port is 9092",
  }),
  clientId: mappedOr(["client.id"], {
    scalar: text(),
    default: "eventor",
    meaning: "The name by which brokers know the client",
  }),
  connectionTimeoutMs: mappedOr(["socket.connection.setup.timeout.ms"], {
    scalar: integer(1000, MAX_INTEGER),
    default: 5000,
    meaning: "The time limit for connecting (librdkafka: 30000)",
  }),
  requestTimeoutMs: mappedOr(["socket.timeout.ms"], {
    scalar: integer(10, 300_000),
    default: 10_000,
    meaning: "The time limit for a broker's response (librdkafka: 60000)",
  }),
  metadataRefreshMs: mapped(["topic.metadata.refresh.interval.ms"], {
    scalar: integer(10, 3_600_000),
    meaning:
      "How often eventor refreshes what it knows of topics and brokers. The default is 60000 " +
      "(librdkafka: 300000)",
  }),
  metadataMaxAgeMs: mapped(["metadata.max.age.ms"], {
    scalar: integer(1, 86_400_000),
    meaning: "An alias of `topic.metadata.refresh.interval.ms`, which takes precedence",
  }),
  reconnectBackoffMs: mapped(["reconnect.backoff.ms"], {
    scalar: integer(0, 3_600_000),
    meaning:
      "The first pause before another attempt to connect or to send a request. The default is " +
      "500 (librdkafka: 100)",
  }),
  reconnectBackoffMaxMs: mapped(["reconnect.backoff.max.ms"], {
    scalar: integer(0, 3_600_000),
    meaning:
      "The longest such pause. The default is 30000 (librdkafka: 10000). While a listener runs, " +
      "it is at most 5000",
  }),
  retryBackoffMs: mapped(["retry.backoff.ms"], {
    scalar: integer(1, 300_000),
    meaning: "An alias of `reconnect.backoff.ms`, which takes precedence",
  }),
  retryBackoffMaxMs: mapped(["retry.backoff.max.ms"], {
    scalar: integer(1, 300_000),
    meaning: "An alias of `reconnect.backoff.max.ms`, which takes precedence",
  }),
  maxInFlightRequests: mappedOr(["max.in.flight.requests.per.connection", "max.in.flight"], {
    scalar: integer(1, 1_000_000),
    default: 1_000_000,
    meaning:
      "How many requests may wait for the responses of one broker. For a producer it is always " +
      "1: later results share the next request",
  }),
  maxResponseBytes: mapped(["receive.message.max.bytes"], {
    scalar: integer(1000, MAX_INTEGER),
    meaning:
      "The largest response of a broker. The default is 100000000. For a consumer it is at " +
      "least `fetch.max.bytes` plus 512. If a broker announces a larger response, eventor " +
      "closes the connection before it allocates memory",
  }),
  allowAutoTopicCreation: mappedOr(["allow.auto.create.topics"], {
    scalar: boolean(),
    default: false,
    meaning: "Whether a request for a missing topic may create it (librdkafka's producer: true)",
  }),
};

/** The other keys of both blocks, except those for TLS and SASL. */
export const OTHER_CONNECTION_KEYS = [
  fixed(["broker.address.family"], {
    scalar: choice({ any: "any" }, {
      refused: {
        v4: "eventor connects to IPv4 and IPv6 alike: leave it out",
        v6: "eventor connects to IPv4 and IPv6 alike: leave it out",
      },
    }),
    meaning: "Only `any`",
  }),
  withoutEffect(["log_level"], "has no effect in eventor: the pipeline's logLevel decides"),
  withoutEffect(["debug"], "has no effect in eventor: the pipeline's logLevel decides"),
  withoutEffect(
    ["statistics.interval.ms"],
    "has no effect in eventor, which has no such statistics",
  ),
  withoutEffect(["socket.keepalive.enable"], "has no effect in eventor: keep-alive is always on"),
  withoutEffect(["socket.nagle.disable"]),
  withoutEffect(["socket.send.buffer.bytes"]),
  withoutEffect(["socket.receive.buffer.bytes"]),
  withoutEffect(["socket.blocking.max.ms"]),
  withoutEffect(["socket.max.fails"]),
  withoutEffect(["broker.address.ttl"]),
  withoutEffect(["client.dns.lookup"]),
  withoutEffect(["connections.max.idle.ms"]),
  withoutEffect(["reconnect.backoff.jitter.ms"]),
  withoutEffect(["message.copy.max.bytes"]),
  withoutEffect(["metadata.recovery.strategy"]),
  withoutEffect(["metadata.recovery.rebootstrap.trigger.ms"]),
  withoutEffect(["topic.metadata.refresh.fast.interval.ms"]),
  withoutEffect(["topic.metadata.refresh.fast.cnt"]),
  withoutEffect(["topic.metadata.refresh.sparse"]),
  withoutEffect(["topic.metadata.propagation.max.ms"]),
  withoutEffect(["topic.blacklist"]),
  withoutEffect(["enable.metrics.push"]),
  withoutEffect(["enable.random.seed"]),
  withoutEffect(["enabled_events"]),
  withoutEffect(["internal.termination.signal"]),
  withoutEffect(["log.connection.close"]),
  withoutEffect(["log.queue"]),
  withoutEffect(["log.thread.name"]),
  refused(["api.version.*"], "eventor always negotiates protocol versions: leave it out"),
  refused(["broker.version.fallback"], "eventor always negotiates protocol versions: leave it out"),
  refused(["builtin.features"], "it exists only in the C library librdkafka"),
  refused(["default_topic_conf"], "it exists only in the C library librdkafka"),
  refused(["interceptors"], "it exists only in the C library librdkafka"),
  refused(["opaque"], "it exists only in the C library librdkafka"),
  refused(["plugin.library.paths"], "it exists only in the C library librdkafka"),
  refused(["*_cb"], "it exists only in the C library librdkafka"),
];
