import type { ISocketFactory } from "kafkajs";
import type { Socket } from "node:net";
import Connection from "kafkajs/src/network/connection.js";
import { hostAndPort } from "../../../core/host.ts";
import type { KafkaClientConfig } from "../config/mod.ts";
import { Admission, type AdmissionObserver, Attempt } from "./admission.ts";
import { tlsRefusal } from "./tls_refusal.ts";
import { needsRestart } from "./token_failure.ts";

/** An attempt counts as undecided this long after the client's own timeouts, so that others do not wait for ever. */
const UNDECIDED_AFTER_MS = 5000;

/** A broker that requires SASL closes a connection within this time when a request comes before the login. */
const CLOSED_AT_ONCE_MS = 2000;

/** Without a second response this long after the first, the login counts as successful: the client may send nothing. */
const SECOND_REQUEST_MS = 500;

/** The first bytes of a TLS alert record (RFC 8446, 5.1). */
const TLS_ALERT = [0x15, 0x03];

/** A client's configuration, and its callbacks for logins. */
export interface ClientAccess {
  readonly config: KafkaClientConfig;
  /** Called when a login succeeds; `broker` is `host:port`. */
  admitted(broker: string): void;
  refused(broker: string, reason: string): void;
  /** Fetches the token for SASL before a connection opens; throws when there is none. */
  prepare?(): Promise<unknown>;
}

/** The members of kafkajs's Connection that eventor uses. */
export interface BrokerConnection {
  readonly host: string;
  readonly port: number;
  /** The name of the broker in messages. */
  broker: string;
  readonly socketFactory: ISocketFactory;
  /** The broker's API versions; null before the ApiVersions request, which is then the first one. */
  readonly versions: unknown;
  /** Set by the first `connect()`. */
  readonly socket?: Socket;
  isConnected(): boolean;
  rejectRequests(error: unknown): void;
  disconnect(): Promise<unknown>;
}

/** Keyed by socket factory, which all connections of a client share. */
const clients = new WeakMap<ISocketFactory, ClientAccess>();
/** The login throttles: by broker and identity, or by account alone while the account is refused. */
const admissions = new Map<string, Admission>();
const attempts = new WeakMap<BrokerConnection, Attempt>();
const connecting = new WeakMap<BrokerConnection, Promise<boolean>>();

/** Lets {@linkcode clientOf} find a client by its socket factory. */
export function registerClient(factory: ISocketFactory, client: ClientAccess): void {
  clients.set(factory, client);
}

/** The client of a connection; `undefined` when none was registered. */
export function clientOf({ socketFactory }: BrokerConnection): ClientAccess | undefined {
  return clients.get(socketFactory);
}

/**
 * The connection's undecided login attempt, or a new one once the throttle allows it.
 *
 * @throws {BrokerRefusedError} when the attempt that it waited for is refused
 */
export async function attemptOf(
  connection: BrokerConnection,
  client: ClientAccess,
): Promise<Attempt> {
  const current = attempts.get(connection);
  if (current !== undefined && !current.isDecided) return current;
  const { broker } = connection;
  const { config: { tls, sasl, connectionTimeoutMs, requestTimeoutMs } } = client;
  const account = sasl === null ? null : admissionOf(JSON.stringify(sasl));
  const observer: AdmissionObserver = {
    admitted() {
      account?.noteAdmitted();
      client.admitted(broker);
    },
    refused({ message, isAboutAccount }) {
      if (isAboutAccount) account?.noteRefusal();
      client.refused(broker, message);
    },
  };
  const ofBroker = () => admissionOf(JSON.stringify([broker.toLowerCase(), tls, sasl]));
  // Without TLS and SASL there is no account that a broker could lock.
  const attempt = tls === null && sasl === null
    ? new Attempt(observer, () => {})
    // The brokers of a cluster may add up an account's failed logins, so a refused account has one throttle for all.
    : await (account?.isRefused ? account : ofBroker()).enter(observer);
  attempts.set(connection, attempt);
  const timer = setTimeout(
    () => attempt.leaveUndecided(),
    connectionTimeoutMs + requestTimeoutMs + UNDECIDED_AFTER_MS,
  );
  void attempt.outcome.then(() => clearTimeout(timer));
  return attempt;
}

function admissionOf(key: string): Admission {
  const admission = admissions.get(key) ?? new Admission();
  admissions.set(key, admission);
  return admission;
}

/** Patches kafkajs: connections log in through the throttle and fail with a refusal, which kafkajs does not retry. */
export function watchBrokerAccess(): void {
  const { connect, send } = Connection.prototype;
  Connection.prototype.connect = function (this: BrokerConnection): Promise<boolean> {
    const client = clientOf(this);
    if (client === undefined || this.isConnected()) return connect.call(this);
    this.broker = hostAndPort(this.host, this.port);
    // Unpatched, kafkajs opens two sockets when two requests find none, and leaks one of them.
    const underway = connecting.get(this);
    if (underway !== undefined) return underway;
    const started = connectInTurn(this, { client, connect: () => connect.call(this) })
      .finally(() => connecting.delete(this));
    connecting.set(this, started);
    return started;
  };
  Connection.prototype.send = async function (this: BrokerConnection, request: unknown) {
    try {
      return await send.call(this, request);
    } catch (error) {
      throw attempts.get(this)?.refusal ?? error;
    }
  };
}

async function connectInTurn(
  connection: BrokerConnection,
  { client, connect }: { client: ClientAccess; connect: () => Promise<boolean> },
): Promise<boolean> {
  const attempt = await attemptOf(connection, client);
  try {
    await client.prepare?.();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw attempt.refuse(`cannot show broker ${connection.broker} who it is: ${reason}`, {
      isAboutAccount: true,
      needsRestart: needsRestart(error),
    });
  }
  const connected = connect();
  // kafkajs creates the socket synchronously in `connect()`.
  if (connection.socket !== undefined) watch(connection.socket, { connection, client, attempt });
  try {
    return await connected;
  } catch (error) {
    attempt.leaveUndecided();
    throw attempt.refusal ?? error;
  }
}

function watch(
  socket: Socket,
  { connection: { broker, versions }, client: { config }, attempt }: {
    connection: BrokerConnection;
    client: ClientAccess;
    attempt: Attempt;
  },
): void {
  const { tls, sasl } = config;
  const openedMs = performance.now();
  // A broker answers ApiVersions to anybody; only the response after it shows that it accepts the client.
  const tellingAnswers = versions === null ? 2 : 1;
  let answers = 0;
  socket.on("data", function onData(bytes: Uint8Array) {
    answers++;
    if (answers === 1 && tls === null && TLS_ALERT.every((byte, at) => bytes[at] === byte)) {
      const refusal = attempt.refuse(
        `broker ${broker} speaks TLS at this port: set security.protocol to ssl or sasl_ssl, or correct the port`,
      );
      socket.destroy(refusal);
    } else if (sasl === null && answers === tellingAnswers) {
      attempt.admit();
    } else if (sasl === null) {
      const timer = setTimeout(() => attempt.admit(), SECOND_REQUEST_MS);
      void attempt.outcome.then(() => clearTimeout(timer));
    }
    if (answers >= tellingAnswers) socket.off("data", onData);
  });
  // Prepended, so that kafkajs logs the error with this message.
  socket.prependOnceListener("error", (error: Error) => {
    if (tls !== null && !attempt.isDecided) {
      const reason = tlsRefusal(error.message, { broker, tls });
      if (reason !== null) error.message = attempt.refuse(reason).message;
      if (/unexpected end of file/.test(error.message)) {
        error.message =
          "it ends the connection instead of answering by TLS: does this port know TLS?";
      }
    }
    attempt.leaveUndecided();
  });
  socket.prependOnceListener("end", () => {
    const isAtOnce = answers === 1 && tellingAnswers > 1 &&
      performance.now() - openedMs < CLOSED_AT_ONCE_MS;
    // `end` also follows when this side has closed the connection.
    if (sasl === null && isAtOnce && !socket.writableEnded) {
      attempt.refuse(
        `broker ${broker} closes the connection at the first request: this port seems to ask for SASL: ` +
          "set security.protocol to sasl_ssl or sasl_plaintext, or correct the port",
      );
    }
    attempt.leaveUndecided();
  });
  socket.once("close", () => attempt.leaveUndecided());
}
