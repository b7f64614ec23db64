import RequestQueue from "kafkajs/src/network/requestQueue/index.js";

/** Shorter pauses are normal under a quota and not logged. */
const WORTH_SAYING_MS = 5000;

/** After this, the client sends again; a broker that still enforces its quota reads no request before. */
const MAX_THROTTLE_MS = 300_000;

/** The members of kafkajs's RequestQueue used here. */
interface ThrottledQueue {
  readonly broker: string;
  readonly logger: { warn(message: string, extra: { broker: string }): void };
}

/**
 * Patches kafkajs: bounds how long a broker can throttle a client (KIP-219), and logs long pauses at WARN. Unpatched,
 * kafkajs accepts any pause and logs it at DEBUG, so a broken broker could silence a client for weeks.
 */
export function boundThrottling(): void {
  const { maybeThrottle } = RequestQueue.prototype;
  RequestQueue.prototype.maybeThrottle = function (this: ThrottledQueue, askedMs: number | null) {
    const throttleMs = Math.min(askedMs ?? 0, MAX_THROTTLE_MS);
    if (throttleMs >= WORTH_SAYING_MS) {
      this.logger.warn(`Throttled for ${throttleMs} ms`, { broker: this.broker });
    }
    return maybeThrottle.call(this, throttleMs);
  };
}
