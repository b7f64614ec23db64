import SaslAuthenticator from "kafkajs/src/broker/saslAuthenticator/index.js";
import { KafkaJSConnectionError } from "kafkajs/src/errors.js";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { refuseLogin } from "../client/sasl_refusal.ts";
import { type BrokerConnection, clientOf } from "./clients.ts";
import { attemptOf } from "./logins.ts";
import { replacement } from "./replacement.ts";

/** The API keys of SaslHandshake and SaslAuthenticate. */
const SASL_REQUESTS = new Set([17, 36]);

/** How long before its end a session is renewed, if it lasts 40 s or longer. */
const MAX_THRESHOLD_MS = 10_000;

/** A request that a connection sends. */
export interface SentRequest {
  readonly request: { readonly apiKey: number };
}

/** A request in a connection's queue. */
export interface PushedRequest {
  readonly entry: { readonly apiKey: number; reject(error: unknown): void };
}

interface AuthenticatedConnection extends BrokerConnection {
  readonly requestQueue: object;
  reauthenticationThreshold: number;
}

/** Errors of SASL requests by connection: kafkajs's mechanisms keep only their messages. */
const exchangeFailures = new WeakMap<object, unknown>();
/** The socket on which a connection last authenticated. */
const authenticatedSockets = new WeakMap<object, unknown>();
/** By request queue, while its connection renews a session. */
const heldRequests = new WeakMap<object, PushedRequest[]>();

const { authenticate } = SaslAuthenticator.prototype;

export const SASL_AUTHENTICATOR = replacement("SaslAuthenticator", SaslAuthenticator.prototype, {
  /**
   * Renews a session in time, and distinguishes a refusal from a network failure. kafkajs renews short sessions with each
   * request, sends others meanwhile, and takes a network failure for a refusal.
   */
  async authenticate(
    this: { readonly connection: AuthenticatedConnection; readonly sessionLifetime: string },
  ): Promise<void> {
    const { connection } = this;
    const client = clientOf(connection);
    const sasl = client?.config.sasl ?? null;
    if (client === undefined || sasl === null) return await authenticate.call(this);
    const attempt = await attemptOf(connection, client);
    const held: PushedRequest[] = [];
    heldRequests.set(connection.requestQueue, held);
    exchangeFailures.delete(connection);
    try {
      await authenticate.call(this);
    } catch (error) {
      heldRequests.delete(connection.requestQueue);
      const { broker } = connection;
      const failure = exchangeFailures.get(connection) ?? error;
      const { type } = Object(failure);
      const isNetwork = exchangeFailures.has(connection) && type === undefined;
      // Brokers do not renew a session younger than one second; a new connection gets a new session.
      const isTooEarly = type === "ILLEGAL_SASL_STATE" &&
        authenticatedSockets.get(connection) === connection.socket;
      if (!isNetwork && !isTooEarly) refuseLogin(attempt, failure, { broker, sasl });
      attempt.leaveUndecided();
      const reason = isTooEarly
        ? new KafkaJSConnectionError("the session cannot be renewed yet", { broker })
        : attempt.refusal ?? failure;
      for (const { entry } of held) entry.reject(reason);
      // After a failed login the connection is useless; the broker closes it.
      connection.rejectRequests(reason);
      await connection.disconnect();
      throw reason;
    }
    heldRequests.delete(connection.requestQueue);
    authenticatedSockets.set(connection, connection.socket);
    connection.reauthenticationThreshold = renewalThreshold(Number(this.sessionLifetime));
    attempt.accept();
    for (const request of held) {
      RequestQueue.prototype.push.call(connection.requestQueue, request);
    }
  },
});

/** Called when a request has failed. */
export function noteSaslFailure(
  connection: BrokerConnection,
  { request }: SentRequest,
  error: unknown,
): void {
  if (SASL_REQUESTS.has(request.apiKey)) exchangeFailures.set(connection, error);
}

/** Whether a request waits until the connection has renewed its session; then it is pushed again. */
export function holdsBack(queue: object, request: PushedRequest): boolean {
  const held = heldRequests.get(queue);
  if (held === undefined || SASL_REQUESTS.has(request.entry.apiKey)) return false;
  held.push(request);
  return true;
}

/** How long before its end a session is renewed, in milliseconds. An integer, as kafkajs converts it to a BigInt. */
function renewalThreshold(lifetimeMs: number): number {
  return Math.min(MAX_THRESHOLD_MS, Math.floor(lifetimeMs / 4));
}
