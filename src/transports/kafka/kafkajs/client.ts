import {
  type ISocketFactory,
  type ISocketFactoryArgs,
  Kafka,
  logLevel,
  type Mechanism,
  type RetryOptions,
  type SASLOptions,
} from "kafkajs";
import type { ConnectionOptions } from "node:tls";
import { hostAndPort, splitHost } from "../../../core/host.ts";
import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";
import { clientFailure, rootMessage } from "../client/client_failure.ts";
import { clientLogOf } from "../client/client_log.ts";
import { openSocket } from "../client/sockets.ts";
import type { KafkaClientConfig, KafkaSaslConfig, KafkaTlsConfig } from "../config/mod.ts";
import { registerClient } from "./clients.ts";
import { patchKafkajs } from "./mod.ts";

/** Clients try each bootstrap server, but give up early: their callers retry with their own backoff. */
const MIN_RETRIES = 3;

/** How a client retries a failed request before it gives up. */
export function retryOptions(
  { bootstrapServers, reconnectBackoffMs, reconnectBackoffMaxMs }: KafkaClientConfig,
): RetryOptions {
  return {
    retries: Math.max(MIN_RETRIES, bootstrapServers.length),
    initialRetryTime: reconnectBackoffMs,
    maxRetryTime: reconnectBackoffMaxMs,
  };
}

/** Creates a client for one cluster, without connecting. */
export function createKafka(
  config: KafkaClientConfig,
  { log, health, onUngrantedBroker, onlyBootstrapServers = false, retry = retryOptions(config) }: {
    log: Logger;
    health?: Health | undefined;
    /** How the client retries, {@linkcode retryOptions} by default. */
    retry?: RetryOptions;
    /** Called with a broker (`host:port`) that the sandbox does not allow; the connection to it fails. */
    onUngrantedBroker?: (host: string) => void;
    /** Sends each request to a bootstrap server, whichever broker it is for. */
    onlyBootstrapServers?: boolean;
  },
): Kafka {
  patchKafkajs();
  const clientLog = clientLogOf(log, health);
  /** The bootstrap server that stands in for the other brokers: the last one that accepted the client. */
  let standIn = config.bootstrapServers[0];
  const socketFactory: ISocketFactory = (target) => {
    const isAdvertised = !isBootstrapServer(config, target);
    const server = isAdvertised && onlyBootstrapServers ? standIn : undefined;
    return openSocket(server === undefined ? target : { ...target, ...splitHost(server) }, {
      connectionTimeoutMs: config.connectionTimeoutMs,
      isAdvertised: isAdvertised && server === undefined,
      onUngrantedBroker,
    });
  };
  registerClient(socketFactory, {
    config,
    accepted(broker) {
      if (config.bootstrapServers.includes(broker)) standIn = broker;
      clientLog.answered(broker);
    },
    refused: (broker, reason) => clientLog.refused(broker, reason),
    async prepare() {
      if (config.sasl?.mechanism !== "oauthbearer") return;
      const { freshToken } = await import("../client/oauth_bearer.ts");
      await freshToken(config.sasl, log);
    },
  });
  return new Kafka({
    brokers: [...config.bootstrapServers],
    clientId: config.clientId,
    ...(config.tls ? { ssl: tlsOptions(config.tls) } : {}),
    ...(config.sasl ? { sasl: saslOptions(config.sasl, log) } : {}),
    connectionTimeout: config.connectionTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => clientLog.take(entry),
    socketFactory,
  });
}

function tlsOptions(
  { ca, cert, key, verifyCertificate, verifyHostname }: KafkaTlsConfig,
): ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: verifyCertificate,
    ...(verifyHostname ? {} : { checkServerIdentity: () => undefined }),
  };
}

function saslOptions(config: KafkaSaslConfig, log: Logger): SASLOptions | Mechanism {
  if (config.mechanism !== "oauthbearer") return { ...config } as SASLOptions;
  return {
    mechanism: config.mechanism,
    authenticationProvider: (exchange) => ({
      async authenticate() {
        const { authenticateByToken } = await import("../client/oauth_bearer.ts");
        await authenticateByToken(exchange, { config, log });
      },
    }),
  };
}

function isBootstrapServer(
  { bootstrapServers }: KafkaClientConfig,
  { host, port }: ISocketFactoryArgs,
): boolean {
  return bootstrapServers.includes(hostAndPort(host.toLowerCase(), port));
}

/**
 * Checks that the topic exists, unless `allow.auto.create.topics` lets brokers create it.
 *
 * @throws {Error} when it does not exist or cannot be looked up, saying what to do
 */
export async function requireTopic(
  kafka: Kafka,
  topic: string,
  { bootstrapServers: brokers, allowAutoTopicCreation }: KafkaClientConfig,
): Promise<void> {
  if (allowAutoTopicCreation) return;
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.fetchTopicMetadata({ topics: [topic] });
  } catch (error) {
    throw topicFailure(error, { topic, brokers });
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

function topicFailure(
  error: unknown,
  { topic, brokers }: { topic: string; brokers: readonly string[] },
): Error {
  const where = brokers.join(", ");
  if (/does not host this topic/.test(rootMessage(error))) {
    const message = `topic '${topic}' does not exist on ${where}; create it, or correct 'topic'`;
    return new Error(message, { cause: error });
  }
  return clientFailure(`cannot look up topic '${topic}' on ${where}`, error);
}
