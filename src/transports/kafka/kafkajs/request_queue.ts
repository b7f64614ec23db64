import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { replacement } from "./replacement.ts";
import { holdsBack, type PushedRequest } from "./sasl_authenticator.ts";

/** Shorter pauses are normal under a quota and not logged. */
const LONG_THROTTLE_MS = 5000;

/** After this, the client sends again. A broker that still throttles it just reads the request later. */
const MAX_THROTTLE_MS = 300_000;

const MIN_CHECK_MS = 10;

/** A request times out late by at most this share of its limit, or by `MAX_TIMEOUT_CHECK_MS` if that is less. */
const TIMEOUT_PRECISION = 1 / 20;
const MAX_TIMEOUT_CHECK_MS = 1000;

/** The members of kafkajs's RequestQueue used here. */
interface Queue {
  readonly broker: string;
  readonly logger: { warn(message: string, extra: { broker: string }): void };
  readonly pending: readonly unknown[];
  readonly inflight: ReadonlyMap<number, Request>;
  readonly requestTimeout: number;
  readonly throttledUntil: number;
  throttleCheckTimeoutId: number | null;
  requestTimeoutIntervalId?: number;
  checkPendingRequests(): void;
  isConnected(): boolean;
  /** Ends the check for requests that time out. */
  destroy(): void;
}

interface Request {
  readonly sentAt: number;
  readonly requestTimeout: number;
  timeoutRequest(): void;
}

const { maybeThrottle, push } = RequestQueue.prototype;

export const REQUEST_QUEUE = replacement("RequestQueue", RequestQueue.prototype, {
  /** Holds requests back while a session is renewed: brokers close a connection that sends others in between. */
  push(this: Queue, request: PushedRequest): void {
    if (!holdsBack(this, request)) push.call(this, request);
  },

  /**
   * Checks for throttled requests only while there are some. In kafkajs, each connection checks a thousand times a
   * second for ever, even after it is closed.
   *
   * @see https://github.com/tulios/kafkajs/issues/1751
   */
  scheduleCheckPendingRequests(this: Queue): void {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    const delayMs = Math.max(this.throttledUntil - Date.now(), MIN_CHECK_MS);
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    }, delayMs);
  },

  /** Checks for late requests once a second at most. kafkajs does so ten times a second for each idle connection. */
  scheduleRequestTimeoutCheck(this: Queue): void {
    this.destroy();
    const intervalMs = Math.min(this.requestTimeout * TIMEOUT_PRECISION, MAX_TIMEOUT_CHECK_MS);
    this.requestTimeoutIntervalId = setInterval(() => {
      for (const request of this.inflight.values()) {
        if (Date.now() - request.sentAt > request.requestTimeout) request.timeoutRequest();
      }
      if (!this.isConnected()) this.destroy();
    }, Math.max(intervalMs, MIN_CHECK_MS));
  },

  /**
   * Bounds how long a broker can throttle a client (KIP-219), and logs long pauses. In kafkajs, a broken broker could
   * silence a client for weeks, and a message at DEBUG is all that says so.
   */
  maybeThrottle(this: Queue, askedMs: number | null): void {
    const throttleMs = Math.min(askedMs ?? 0, MAX_THROTTLE_MS);
    if (throttleMs >= LONG_THROTTLE_MS) {
      this.logger.warn(`Throttled for ${throttleMs} ms`, { broker: this.broker });
    }
    maybeThrottle.call(this, throttleMs);
  },
});
