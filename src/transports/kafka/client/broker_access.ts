import type { ISocketFactory } from "kafkajs";
import type { Socket } from "node:net";
import Connection from "kafkajs/src/network/connection.js";
import { hostAndPort } from "../../../core/host.ts";
import type { KafkaClientConfig } from "../config/mod.ts";
import { Admission, type AdmissionObserver, Attempt } from "./admission.ts";
import { tlsRefusal } from "./tls_refusal.ts";

/** Beyond the client's own deadlines, so that others do not wait for ever for an attempt that nobody decides. */
const UNDECIDED_AFTER_MS = 5000;

/** A broker that is asked for something before SASL closes the connection then. */
const CLOSED_AT_ONCE_MS = 2000;

/** How long the second request of a connection may be in coming before others need not wait for it any more. */
const SECOND_REQUEST_MS = 500;

/** The first bytes of an alert of TLS. */
const TLS_ALERT = [0x15, 0x03];

/** What is to be known of a client. */
export interface ClientAccess {
  readonly config: KafkaClientConfig;
  /** Told of each broker whether it lets the client in. */
  admitted(broker: string): void;
  refused(broker: string, reason: string): void;
  /** Gets what SASL needs before a broker is asked for it; throws when it cannot. */
  prepare?(): Promise<unknown>;
}

/** A connection of kafkajs, as far as it is used here. */
export interface BrokerConnection {
  readonly host: string;
  readonly port: number;
  /** What messages call it. */
  broker: string;
  readonly socketFactory: ISocketFactory;
  /** What the broker has told of itself; null as long as that is what will be asked first. */
  readonly versions: unknown;
  /** There is one from its first attempt on. */
  readonly socket?: Socket;
  isConnected(): boolean;
  rejectRequests(error: unknown): void;
  disconnect(): Promise<unknown>;
}

/** All of a client's connections have its factory of sockets. */
const clients = new WeakMap<ISocketFactory, ClientAccess>();
/** By identity, as clients of a pipeline can be different users, and by broker, except while an account is refused. */
const admissions = new Map<string, Admission>();
const attempts = new WeakMap<BrokerConnection, Attempt>();
const connecting = new WeakMap<BrokerConnection, Promise<boolean>>();

/** Makes a client known by what makes its sockets. */
export function registerClient(factory: ISocketFactory, client: ClientAccess): void {
  clients.set(factory, client);
}

/** The client that a connection belongs to, when it is one of ours. */
export function clientOf({ socketFactory }: BrokerConnection): ClientAccess | undefined {
  return clients.get(socketFactory);
}

/** The attempt of a connection that is under way, or a new one when it is the connection's turn. */
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
  // Without an identity there is nothing that could be tried too often.
  const attempt = tls === null && sasl === null
    ? new Attempt(observer, () => {})
    // The brokers of a cluster count together how often an account has failed.
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

/**
 * Has connections of kafkajs take turns, and fail with the reason why a broker and a client do not get together.
 * Whoever gets it knows that kafkajs has not tried again.
 */
export function watchBrokerAccess(): void {
  const { connect, send } = Connection.prototype;
  Connection.prototype.connect = function (this: BrokerConnection): Promise<boolean> {
    const client = clientOf(this);
    if (client === undefined || this.isConnected()) return connect.call(this);
    this.broker = hostAndPort(this.host, this.port);
    // As it comes, kafkajs opens two sockets when two requests find none, and forgets one of them.
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
    });
  }
  const connected = connect();
  // kafkajs makes the socket at once.
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
  // Brokers tell everybody of themselves, and look at who comes with the next request.
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
  // Before kafkajs, which logs errors.
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
    // Whoever has ended the connection gets its end as well.
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
