import type { LogEntry, logLevel } from "kafkajs";
import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";
import { LogThrottle } from "../../../core/log_throttle.ts";

/** kafkajs's level, copied as this module also runs where kafkajs is not loaded. */
const WARN: logLevel.WARN = 2;

/** Clients retry a broker that they need within this time; one that they do not retry has left the cluster. */
const FORGOTTEN_AFTER_MS = 90_000;

/** kafkajs logs this at each failed attempt to reach a broker. */
const UNREACHABLE = /^Connection (?:error: (?<reason>.*)|timeout)$/s;

/** What `request_queue.ts` logs. */
const THROTTLED = /^Throttled for (?<ms>\d+) ms$/;

const logs = new WeakMap<Logger, ClientLog>();

/** The log that all Kafka clients of a pipeline share, as each would log the same. */
export function clientLogOf(log: Logger, health?: Health): ClientLog {
  const known = logs.get(log) ?? new ClientLog(log, { health });
  logs.set(log, known);
  return known;
}

/** Turns kafkajs's log into lines of the pipeline's log, and throttles repeated ones. */
export class ClientLog {
  readonly #log: Logger;
  readonly #health: Health | undefined;
  readonly #throttle: LogThrottle;
  readonly #unreachable = new Set<string>();
  readonly #refused = new Map<string, string>();

  constructor(
    log: Logger,
    { health, throttle = new LogThrottle() }: {
      health?: Health | undefined;
      throttle?: LogThrottle;
    } = {},
  ) {
    this.#log = log;
    this.#health = health;
    this.#throttle = throttle;
  }

  /** Logs the text of a kafkajs entry; its other fields may hold payloads. */
  take({ level, namespace, log: { message, broker } }: LogEntry): void {
    const unreachable = UNREACHABLE.exec(message);
    if (unreachable !== null) {
      const { reason = "connecting takes too long" } = unreachable.groups ?? {};
      // The caller that wanted to connect reports a refusal.
      if (this.#refused.get(String(broker)) !== reason) this.#cannotReach(String(broker), reason);
    } else if (level <= WARN && THROTTLED.test(message)) {
      this.#throttled(String(broker), Number(THROTTLED.exec(message)?.groups?.ms));
    } else if (this.#throttle.allows(message) !== "no") {
      this.#log.debug(() => `kafkajs: ${namespace}: ${message}`);
    }
  }

  /** Notes that a broker has accepted and answered a client. */
  answered(broker: string): void {
    const wasRefused = this.#refused.delete(broker);
    const wasUnreachable = this.#unreachable.delete(broker);
    if (!wasRefused && !wasUnreachable) return;
    this.#health?.works(`broker ${broker}`);
    this.#throttle.reset(broker);
    this.#log.info(`broker ${broker} answers again`);
  }

  /** Notes a refusal for `/readyz`; the caller that wanted to connect logs it. */
  refused(broker: string, reason: string): void {
    this.#refused.set(broker, reason);
    this.#health?.fails(`broker ${broker}`, reason, { forMs: FORGOTTEN_AFTER_MS });
  }

  #cannotReach(broker: string, reason: string): void {
    this.#unreachable.add(broker);
    const patience = { forMs: FORGOTTEN_AFTER_MS };
    this.#health?.fails(`broker ${broker}`, `cannot reach broker ${broker}: ${reason}`, patience);
    if (this.#throttle.allows(broker) === "no") return;
    this.#log.warn(`cannot reach broker ${broker}: ${reason}; trying again`);
  }

  #throttled(broker: string, ms: number): void {
    if (this.#throttle.allows(`throttled ${broker}`) === "no") return;
    this.#log.warn(
      `broker ${broker} throttles this client: nothing is sent to it for ${ms / 1000} s; ` +
        "see the quotas of the client's user and client.id",
    );
  }
}
