import { KafkaJSConnectionError } from "kafkajs/src/errors.js";
import Connection from "kafkajs/src/network/connection.js";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import SaslAuthenticator from "kafkajs/src/broker/saslAuthenticator/index.js";
import { isAboutAccount, saslRefusal } from "./sasl_refusal.ts";
import { attemptOf, type BrokerConnection, clientOf } from "./broker_access.ts";

/** The keys of SaslHandshake and SaslAuthenticate. */
const SASL_REQUESTS = new Set([17, 36]);

/** How long before the end of a session another one is begun, unless that is more than a quarter of it. */
const MAX_THRESHOLD_MS = 10_000;

interface PushedRequest {
  readonly entry: { readonly apiKey: number; reject(error: unknown): void };
}

interface AuthenticatedConnection extends BrokerConnection {
  readonly requestQueue: object;
  reauthenticationThreshold: number;
}

/** What failed of the exchange itself: kafkajs's mechanisms keep no more than its text. */
const exchangeFailures = new WeakMap<object, unknown>();
/** The socket on which a connection has had a session. */
const authenticatedSockets = new WeakMap<object, unknown>();
const heldRequests = new WeakMap<object, PushedRequest[]>();

/** Has sessions of SASL renewed in time, and tells a refusal from a failure of the network. */
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
      // Brokers renew no session that is younger than a second; a new connection has a new one.
      const isTooEarly = type === "ILLEGAL_SASL_STATE" &&
        authenticatedSockets.get(connection) === connection.socket;
      if (!isNetwork && !isTooEarly) {
        const reason = saslRefusal(failure, { broker, sasl });
        attempt.refuse(reason, { isAboutAccount: isAboutAccount(failure) });
      }
      attempt.leaveUndecided();
      const reason = isTooEarly
        ? new KafkaJSConnectionError("the session cannot be renewed yet", { broker })
        : attempt.refusal ?? failure;
      for (const { entry } of held) entry.reject(reason);
      // A connection on which it has failed is good for nothing, and the broker closes it.
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

/** How long before its end a session is renewed. A whole number, as kafkajs counts with big ones. */
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

/**
 * What is about to be sent when a session is renewed waits until that is done: brokers close a connection on which
 * something comes in between.
 */
function holdRequests(): void {
  const { push } = RequestQueue.prototype;
  RequestQueue.prototype.push = function (request: PushedRequest) {
    const held = heldRequests.get(this);
    if (held === undefined || SASL_REQUESTS.has(request.entry.apiKey)) push.call(this, request);
    else held.push(request);
  };
}
