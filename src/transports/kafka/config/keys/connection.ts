import { boolean, choice, integer, text } from "../../../../schema/scalar.ts";
import { fixed, mapped, mappedOr, refused, withoutEffect } from "./config_key.ts";
import { servers } from "./servers.ts";

const MAX_INTEGER = 2_147_483_647;

/** Keys of both blocks for connections to brokers, whose values eventor uses. */
export const CONNECTION_KEYS = {
  bootstrapServers: mapped(["bootstrap.servers", "metadata.broker.list"], {
    scalar: servers(),
    meaning:
      "Required. The brokers to ask first, IPv6 addresses in brackets; the port is 9092 when absent",
  }),
  clientId: mappedOr(["client.id"], {
    scalar: text(),
    default: "eventor",
    meaning: "How the client calls itself towards the brokers",
  }),
  connectionTimeoutMs: mappedOr(["socket.connection.setup.timeout.ms"], {
    scalar: integer(1000, MAX_INTEGER),
    default: 5000,
    meaning: "How long connecting may take (librdkafka: 30000)",
  }),
  requestTimeoutMs: mappedOr(["socket.timeout.ms"], {
    scalar: integer(10, 300_000),
    default: 10_000,
    meaning: "How long a broker may take to answer (librdkafka: 60000)",
  }),
  metadataRefreshMs: mapped(["topic.metadata.refresh.interval.ms"], {
    scalar: integer(10, 3_600_000),
    meaning: "How often topics and brokers are looked up again, 60000 when neither this nor " +
      "`metadata.max.age.ms` is written (librdkafka: 300000)",
  }),
  metadataMaxAgeMs: mapped(["metadata.max.age.ms"], {
    scalar: integer(1, 86_400_000),
    meaning: "The same as `topic.metadata.refresh.interval.ms`, which wins",
  }),
  reconnectBackoffMs: mapped(["reconnect.backoff.ms"], {
    scalar: integer(0, 3_600_000),
    meaning: "The first pause before connecting or asking again, 500 when not written " +
      "(librdkafka: 100)",
  }),
  reconnectBackoffMaxMs: mapped(["reconnect.backoff.max.ms"], {
    scalar: integer(0, 3_600_000),
    meaning:
      "The longest such pause, 30000 when not written (librdkafka: 10000); while a listener " +
      "runs, at most 5000",
  }),
  retryBackoffMs: mapped(["retry.backoff.ms"], {
    scalar: integer(1, 300_000),
    meaning: "The same as `reconnect.backoff.ms`, which wins",
  }),
  retryBackoffMaxMs: mapped(["retry.backoff.max.ms"], {
    scalar: integer(1, 300_000),
    meaning: "The same as `reconnect.backoff.max.ms`, which wins",
  }),
  maxInFlightRequests: mappedOr(["max.in.flight.requests.per.connection", "max.in.flight"], {
    scalar: integer(1, 1_000_000),
    default: 1_000_000,
    meaning: "How many requests may wait for an answer of one broker; of a producer always 1, as " +
      "what comes meanwhile shares the next request",
  }),
  maxResponseBytes: mapped(["receive.message.max.bytes"], {
    scalar: integer(1000, MAX_INTEGER),
    meaning: "How large a response of a broker may be, 100000000 when not written, and of a " +
      "consumer 512 more than `fetch.max.bytes` at least. A connection on which a larger one is " +
      "announced is closed before it takes memory",
  }),
  allowAutoTopicCreation: mappedOr(["allow.auto.create.topics"], {
    scalar: boolean(),
    default: false,
    meaning: "Whether asking for a topic may create it (librdkafka's producer: true)",
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
  withoutEffect(["statistics.interval.ms"], "has no effect in eventor: it has no such statistics"),
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
  refused(["api.version.*"], "the protocol's versions are always negotiated: leave it out"),
  refused(["broker.version.fallback"], "the protocol's versions are always negotiated"),
  refused(["builtin.features"], "it belongs to the C library librdkafka"),
  refused(["default_topic_conf"], "it belongs to the C library librdkafka"),
  refused(["interceptors"], "it belongs to the C library librdkafka"),
  refused(["opaque"], "it belongs to the C library librdkafka"),
  refused(["plugin.library.paths"], "it belongs to the C library librdkafka"),
  refused(["*_cb"], "it belongs to the C library librdkafka"),
];
