import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import {
  type ISocketFactoryArgs,
  Kafka,
  type LogEntry,
  logLevel,
  type RetryOptions,
  type SASLOptions,
} from "kafkajs";
import type { Logger } from "../../log.ts";
import type { KafkaClientConfig } from "./config.ts";
import { patchKafkajs } from "./kafkajs_patches.ts";

const SOCKET_KEEP_ALIVE_MS = 60_000;

/** Clients give up soon: whoever uses them tries again, with the backoff that is common to the whole program. */
const RETRIES = 3;

/** How often at most the log says that brokers cannot be reached. */
const TROUBLE_INTERVAL_MS = 10_000;

/** How often and how fast a client repeats what failed before it gives up. */
export function retryOptions(
  { reconnectBackoffMs, reconnectBackoffMaxMs }: KafkaClientConfig,
  retries = RETRIES,
): RetryOptions {
  return { retries, initialRetryTime: reconnectBackoffMs, maxRetryTime: reconnectBackoffMaxMs };
}

/** What kafkajs logs at ERROR that nobody else here can know of. The rest is said by whoever gets the error. */
const WORTH_SAYING = /^Offset out of range/;

/** What it logs, many times over, while a broker is away and it tries to reach it again. */
const TROUBLE = /^Connection (error|timeout)/;

/** A client for one cluster. Connects to nothing by itself. */
export function createKafka(
  config: KafkaClientConfig,
  { log, onUngrantedBroker, onlyBootstrapServers = false, retry = retryOptions(config) }: {
    log: Logger;
    /** How often and how fast connecting is repeated before it fails. */
    retry?: RetryOptions;
    /** Told of a broker that the sandbox does not allow; the connection to it fails. */
    onUngrantedBroker?: (host: string) => void;
    /** Puts every question to a bootstrap server, whichever broker it is meant for. */
    onlyBootstrapServers?: boolean;
  },
): Kafka {
  patchKafkajs();
  return new Kafka({
    brokers: [...config.bootstrapServers],
    clientId: config.clientId,
    ...(config.tls ? { ssl: tlsOptions(config.tls) } : {}),
    ...(config.sasl ? { sasl: { ...config.sasl } as SASLOptions } : {}),
    connectionTimeout: config.connectionTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry,
    logLevel: logLevel.WARN,
    logCreator: () => bridgeTo(log),
    socketFactory: (target) =>
      openSocket(
        onlyBootstrapServers ? { ...target, ...bootstrapServer(config, target) } : target,
        onUngrantedBroker,
      ),
  });
}

function tlsOptions(
  { ca, cert, key, passphrase, verifyCertificate, verifyHostname }: NonNullable<
    KafkaClientConfig["tls"]
  >,
): ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    rejectUnauthorized: verifyCertificate,
    ...(verifyHostname ? {} : { checkServerIdentity: () => undefined }),
  };
}

function bootstrapServer(
  { bootstrapServers }: KafkaClientConfig,
  { host, port }: ISocketFactoryArgs,
): { host: string; port: number } {
  const isOne = bootstrapServers.includes(`${host.toLowerCase()}:${port}`);
  const server = isOne ? undefined : bootstrapServers[0];
  if (server === undefined) return { host, port };
  const separator = server.lastIndexOf(":");
  return { host: server.slice(0, separator), port: Number(server.slice(separator + 1)) };
}

function openSocket(
  { host, port, ssl, onConnect }: ISocketFactoryArgs,
  onUngrantedBroker?: (host: string) => void,
): Socket {
  const broker = `${host.toLowerCase()}:${port}`;
  if (Deno.permissions.querySync({ name: "net", host: broker }).state !== "granted") {
    onUngrantedBroker?.(broker);
  }
  const socket = ssl
    ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect);
  socket.setKeepAlive(true, SOCKET_KEEP_ALIVE_MS);
  return socket;
}

/** Only the text passes: the further fields of an entry may hold whole messages. */
function bridgeTo(log: Logger): (entry: LogEntry) => void {
  let lastTroubleAt = -TROUBLE_INTERVAL_MS;
  return ({ level, namespace, log: { message } }) => {
    if (level <= logLevel.ERROR && WORTH_SAYING.test(message)) {
      log.error(`kafkajs: ${message}`);
    } else if (TROUBLE.test(message) && performance.now() - lastTroubleAt > TROUBLE_INTERVAL_MS) {
      lastTroubleAt = performance.now();
      log.warn(`cannot reach a broker: ${message}; trying again`);
    } else {
      log.debug(() => `kafkajs: ${namespace}: ${message}`);
    }
  };
}

/** The last reason in a chain of errors: kafkajs wraps what happened several times. */
export function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}

/**
 * Makes sure that a topic can be used: that it exists, or may be created by using it.
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
    throw new Error(describeTopicFailure(error, { topic, brokers }), { cause: error });
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

function describeTopicFailure(
  error: unknown,
  { topic, brokers }: { topic: string; brokers: readonly string[] },
): string {
  const where = brokers.join(", ");
  const message = rootMessage(error);
  return /does not host this topic/.test(message)
    ? `topic '${topic}' does not exist on ${where}; create it, or correct 'topic'`
    : `cannot look up topic '${topic}' on ${where}: ${message}`;
}
