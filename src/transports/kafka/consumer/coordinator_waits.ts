import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";
import { LogThrottle } from "../../../core/log_throttle.ts";
import { isNotServing } from "./group_errors.ts";

/** A coordinator that does not serve the group is reported after this time; each start takes a moment. */
const WORTH_SAYING_AFTER_MS = 5000;

/** Interval between repeated log lines. */
const REPEAT_INTERVAL_MS = 60_000;

/** `Health` key of the coordinator. */
const COORDINATOR = "coordinator";

/** Reports when a group's coordinator keeps its members waiting. Commits report their own failures. */
export class CoordinatorWaits {
  readonly #groupId: string;
  readonly #log: Logger;
  readonly #health: Health | undefined;
  readonly #now: () => number;
  readonly #throttle: LogThrottle;
  #sinceMs: number | null = null;
  #wasLogged = false;

  /** @param options.now milliseconds, monotonic */
  constructor(groupId: string, { log, health, now = () => performance.now() }: {
    log: Logger;
    health?: Health | undefined;
    now?: () => number;
  }) {
    this.#groupId = groupId;
    this.#log = log;
    this.#health = health;
    this.#now = now;
    this.#throttle = new LogThrottle({ intervalMs: REPEAT_INTERVAL_MS, now });
  }

  /** Called when a request to the coordinator, or the search for it, has failed. */
  failed(error: unknown): void {
    if (!(error instanceof Error) || !isNotServing(error)) return;
    const nowMs = this.#now();
    this.#sinceMs ??= nowMs;
    const message =
      `no broker coordinates group '${this.#groupId}' for now (${error.message}); asking again until one does`;
    this.#health?.fails(COORDINATOR, message, { afterMs: WORTH_SAYING_AFTER_MS });
    const isLong = nowMs - this.#sinceMs >= WORTH_SAYING_AFTER_MS;
    if (!isLong || this.#throttle.allows(COORDINATOR) === "no") {
      return this.#log.debug(() => message);
    }
    this.#wasLogged = true;
    this.#log.warn(message);
  }

  /** Called when the coordinator has served the group. */
  served(): void {
    if (this.#wasLogged) this.#log.info(`a broker coordinates group '${this.#groupId}' again`);
    this.#sinceMs = null;
    this.#wasLogged = false;
    this.#throttle.reset();
    this.#health?.works(COORDINATOR);
  }
}
