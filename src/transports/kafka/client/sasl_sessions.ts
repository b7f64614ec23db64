import { KafkaJSConnectionError } from "kafkajs/src/errors.js";
import Connection from "kafkajs/src/network/connection.js";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import SaslAuthenticator from "kafkajs/src/broker/saslAuthenticator/index.js";
import { isAboutAccount, saslRefusal } from "./sasl_refusal.ts";
import { attemptOf, type BrokerConnection, clientOf } from "./broker_access.ts";
import { needsRestart } from "./token_failure.ts";

/** The API keys of SaslHandshake and SaslAuthenticate. */
const SASL_REQUESTS = new Set([17, 36]);

/** How long before its end a session is renewed, if it lasts 40 s or longer. */
const MAX_THRESHOLD_MS = 10_000;

interface PushedRequest {
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
const heldRequests = new WeakMap<object, PushedRequest[]>();

/** Patches kafkajs: renews SASL sessions in time, and distinguishes a refusal from a network failure. */
export function renewSaslSessions(): void {
  noteExchangeFailures();
  holdRequests();
  const { authenticate } = SaslAuthenticator.prototype;
  SaslAuthenticator.prototype.authenticate = async function (
    this: { readonly connection: AuthenticatedConnection; readonly sessionLifetime: string },
  ) {
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
      if (!isNetwork && !isTooEarly) {
        const reason = saslRefusal(failure, { broker, sasl });
        attempt.refuse(reason, {
          isAboutAccount: isAboutAccount(failure),
          needsRestart: needsRestart(failure),
        });
      }
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
    attempt.admit();
    for (const request of held) RequestQueue.prototype.push.call(connection.requestQueue, request);
  };
}

/** How long before its end a session is renewed, in milliseconds. An integer, as kafkajs converts it to a BigInt. */
export function renewalThreshold(lifetimeMs: number): number {
  return Math.min(MAX_THRESHOLD_MS, Math.floor(lifetimeMs / 4));
}

function noteExchangeFailures(): void {
  const { send } = Connection.prototype;
  Connection.prototype.send = async function (
    protocol: { readonly request: { readonly apiKey: number } },
  ) {
    try {
      return await send.call(this, protocol);
    } catch (error) {
      if (SASL_REQUESTS.has(protocol.request.apiKey)) exchangeFailures.set(this, error);
      throw error;
    }
  };
}

/** Holds requests while a session is renewed: brokers close a connection that sends others in between. */
function holdRequests(): void {
  const { push } = RequestQueue.prototype;
  RequestQueue.prototype.push = function (request: PushedRequest) {
    const held = heldRequests.get(this);
    if (held === undefined || SASL_REQUESTS.has(request.entry.apiKey)) push.call(this, request);
    else held.push(request);
  };
}
