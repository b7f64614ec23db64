import RequestQueue from "kafkajs/src/network/requestQueue/index.js";

/** A shorter pause is part of ordinary work under a quota. */
const WORTH_SAYING_MS = 5000;

/** Behind it, the broker is asked again: one that still has a quota to enforce reads no request before. */
const MAX_THROTTLE_MS = 300_000;

/** What of a queue of requests is used here. */
interface ThrottledQueue {
  readonly broker: string;
  readonly logger: { warn(message: string, extra: { broker: string }): void };
}

/**
 * Bounds for how long a broker can keep a client from sending (KIP-219), and has long pauses logged at WARN. As it
 * comes, kafkajs believes any number and says it at DEBUG: a broken broker silences a client for weeks.
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
