import type { LogEntry, logLevel } from "kafkajs";
import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";

/** kafkajs's level, copied as this module also runs where kafkajs is not loaded. */
const WARN: logLevel.WARN = 2;

/** A message is not logged again within this time. */
const REPEAT_INTERVAL_MS = 10_000;

/** Clients retry a broker that they need within this time; one that they do not retry has left the cluster. */
const FORGOTTEN_AFTER_MS = 90_000;

/** How many logged messages are remembered before all are forgotten. */
const MAX_REMEMBERED = 100;

/** kafkajs logs this at each failed attempt to reach a broker. */
const UNREACHABLE = /^Connection (?:error: (?<reason>.*)|timeout)$/s;

/** What {@linkcode boundThrottling} logs. */
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
  readonly #now: () => number;
  readonly #saidAtMs = new Map<string, number>();
  readonly #unreachable = new Set<string>();
  readonly #refused = new Map<string, string>();

  constructor(
    log: Logger,
    { health, now = () => performance.now() }: {
      health?: Health | undefined;
      now?: () => number;
    } = {},
  ) {
    this.#log = log;
    this.#health = health;
    this.#now = now;
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
    } else if (!this.#wasJustSaid(message)) {
      this.#log.debug(() => `kafkajs: ${namespace}: ${message}`);
    }
  }

  /** Notes that a broker has accepted and answered a client. */
  answered(broker: string): void {
    const wasRefused = this.#refused.delete(broker);
    const wasUnreachable = this.#unreachable.delete(broker);
    if (!wasRefused && !wasUnreachable) return;
    this.#health?.works(`broker ${broker}`);
    this.#saidAtMs.delete(broker);
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
    if (this.#wasJustSaid(broker)) return;
    this.#log.warn(`cannot reach broker ${broker}: ${reason}; trying again`);
  }

  #throttled(broker: string, ms: number): void {
    if (this.#wasJustSaid(`throttled ${broker}`)) return;
    this.#log.warn(
      `broker ${broker} throttles this client: nothing is sent to it for ${ms / 1000} s; ` +
        "see the quotas of the client's user and client.id",
    );
  }

  #wasJustSaid(text: string): boolean {
    const nowMs = this.#now();
    const saidAtMs = this.#saidAtMs.get(text) ?? -Infinity;
    if (nowMs - saidAtMs < REPEAT_INTERVAL_MS) return true;
    if (this.#saidAtMs.size >= MAX_REMEMBERED) this.#saidAtMs.clear();
    this.#saidAtMs.set(text, nowMs);
    return false;
  }
}
