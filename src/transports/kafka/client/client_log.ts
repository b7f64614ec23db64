import type { LogEntry, logLevel } from "kafkajs";
import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";

/** Its value is needed where kafkajs is not loaded. */
const WARN: logLevel.WARN = 2;

/** How long nothing is said again. */
const REPEAT_INTERVAL_MS = 10_000;

/** Clients try at least so often to reach a broker that they need; one that has left the cluster, they forget. */
const FORGOTTEN_AFTER_MS = 90_000;

/** How many texts are remembered at most, not to be said again. */
const MAX_REMEMBERED = 100;

/** What it logs, many times over, while a broker is away and it tries to reach it again. */
const UNREACHABLE = /^Connection (?:error: (?<reason>.*)|timeout)$/s;

/** What {@linkcode boundThrottling} logs. */
const THROTTLED = /^Throttled for (?<ms>\d+) ms$/;

const logs = new WeakMap<Logger, ClientLog>();

/** What the Kafka clients of a pipeline log together: each of them would say the same. */
export function clientLogOf(log: Logger, health?: Health): ClientLog {
  const known = logs.get(log) ?? new ClientLog(log, { health });
  logs.set(log, known);
  return known;
}

/** Takes from kafkajs's many words what a pipeline's log should have, and that once. */
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

  /** Takes an entry of kafkajs's log; only its text, as the further fields may hold whole messages. */
  take({ level, namespace, log: { message, broker } }: LogEntry): void {
    const unreachable = UNREACHABLE.exec(message);
    if (unreachable !== null) {
      const { reason = "connecting takes too long" } = unreachable.groups ?? {};
      // Whoever wanted to connect gets the reason.
      if (this.#refused.get(String(broker)) !== reason) this.#cannotReach(String(broker), reason);
    } else if (level <= WARN && THROTTLED.test(message)) {
      this.#throttled(String(broker), Number(THROTTLED.exec(message)?.groups?.ms));
    } else if (!this.#wasJustSaid(message)) {
      this.#log.debug(() => `kafkajs: ${namespace}: ${message}`);
    }
  }

  /** Notes that a broker has let a client in and answered it. */
  answered(broker: string): void {
    const wasRefused = this.#refused.delete(broker);
    const wasUnreachable = this.#unreachable.delete(broker);
    if (!wasRefused && !wasUnreachable) return;
    this.#health?.works(`broker ${broker}`);
    this.#saidAtMs.delete(broker);
    this.#log.info(`broker ${broker} answers again`);
  }

  /** Notes that a broker and a client do not get together; whoever wanted to connect says it. */
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
