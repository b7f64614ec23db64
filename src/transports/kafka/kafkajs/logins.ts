import { watchLogin } from "../client/login_outcome.ts";
import {
  type BrokerRefusedError,
  LoginAttempt,
  type LoginObserver,
  LoginThrottle,
} from "../client/login_throttle.ts";
import { refuseLogin } from "../client/sasl_refusal.ts";
import type { BrokerConnection, ClientAccess } from "./clients.ts";

/** An attempt counts as undecided this long after the client's own timeouts, so that others do not wait for ever. */
const UNDECIDED_AFTER_MS = 5000;

/** By broker and identity, or by account alone while the account is refused. */
const throttles = new Map<string, LoginThrottle>();
const attempts = new WeakMap<BrokerConnection, LoginAttempt>();

/** Why the broker refused the last login of a connection; undefined when it did not. */
export function refusalOf(connection: BrokerConnection): BrokerRefusedError | undefined {
  return attempts.get(connection)?.refusal ?? undefined;
}

/**
 * Connects once the throttle allows a login:
 *
 * 1. Waits for its turn among the logins of the same identity.
 * 2. Fetches a token, if the client logs in with one.
 * 3. Opens the connection, and watches its socket for what the broker decides.
 *
 * @throws {BrokerRefusedError} when the broker refuses the client, or the client does not trust it
 */
export async function connectInTurn(
  connection: BrokerConnection,
  { client, connect }: { client: ClientAccess; connect: () => Promise<boolean> },
): Promise<boolean> {
  const attempt = await attemptOf(connection, client);
  const { broker } = connection;
  const { config } = client;
  if (config.sasl !== null) {
    try {
      await client.prepare?.();
    } catch (error) {
      throw refuseLogin(attempt, error, { broker, sasl: config.sasl });
    }
  }
  if (connection.isConnected()) {
    // It is just being closed, which kafkajs also counts as connected: it would not open another socket.
    attempt.leaveUndecided();
    return await connect();
  }
  const connected = connect();
  // kafkajs creates the socket synchronously in `connect()`.
  const { socket, versions } = connection;
  if (socket) watchLogin(socket, { broker, config, attempt, asksVersions: versions === null });
  try {
    return await connected;
  } catch (error) {
    attempt.leaveUndecided();
    throw attempt.refusal ?? error;
  }
}

/**
 * The connection's undecided login attempt, or a new one once the throttle allows it.
 *
 * @throws {BrokerRefusedError} when the attempt that it waited for is refused
 */
export async function attemptOf(
  connection: BrokerConnection,
  client: ClientAccess,
): Promise<LoginAttempt> {
  const current = attempts.get(connection);
  if (current !== undefined && !current.isDecided) return current;
  const attempt = await newAttempt(connection.broker, client);
  attempts.set(connection, attempt);
  const { connectionTimeoutMs, requestTimeoutMs } = client.config;
  const timer = setTimeout(
    () => attempt.leaveUndecided(),
    connectionTimeoutMs + requestTimeoutMs + UNDECIDED_AFTER_MS,
  );
  void attempt.outcome.then(() => clearTimeout(timer));
  return attempt;
}

async function newAttempt(broker: string, client: ClientAccess): Promise<LoginAttempt> {
  const { tls, sasl } = client.config;
  const account = sasl === null ? null : throttleOf(JSON.stringify(sasl));
  const observer: LoginObserver = {
    accepted() {
      account?.noteAccepted();
      client.accepted(broker);
    },
    refused({ message, isAboutAccount }) {
      if (isAboutAccount) account?.noteRefusal();
      client.refused(broker, message);
    },
  };
  // Without TLS and SASL there is no account that a broker could lock.
  if (tls === null && sasl === null) return new LoginAttempt(observer);
  // The brokers of a cluster may add up an account's failed logins, so a refused account has one throttle for all.
  if (account?.isRefused) return await account.enter(observer);
  return await throttleOf(JSON.stringify([broker.toLowerCase(), tls, sasl])).enter(observer);
}

function throttleOf(key: string): LoginThrottle {
  const throttle = throttles.get(key) ?? new LoginThrottle();
  throttles.set(key, throttle);
  return throttle;
}
