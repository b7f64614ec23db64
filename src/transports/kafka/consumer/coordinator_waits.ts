import Broker from "kafkajs/src/broker/index.js";
import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";

/** After how long it is worth a word that a coordinator does not serve the group; it takes a moment after each start. */
const WORTH_SAYING_AFTER_MS = 5000;

/** How often it is said again. */
const REPEAT_INTERVAL_MS = 60_000;

/** What `Health` knows the coordinator by. */
const COORDINATOR = "coordinator";

/** What brokers answer while no coordinator serves the group. It passes: all that helps is to ask again. */
const NOT_SERVING = new Set<unknown>([
  "GROUP_LOAD_IN_PROGRESS",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
  "REQUEST_TIMED_OUT",
]);

/** The requests of a member to its coordinator, apart from commits, which tell of their failures themselves. */
const COORDINATOR_REQUESTS = ["joinGroup", "syncGroup", "heartbeat", "offsetFetch"];

/** Whether an error, or what has caused it, says that no coordinator serves the group for now. */
export function isNotServing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, type } = error as Error & { type?: unknown };
  return NOT_SERVING.has(type) || name === "KafkaJSGroupCoordinatorNotFound" ||
    isNotServing(error.cause);
}

/** Says when a group's coordinator keeps its members waiting. */
export class CoordinatorWaits {
  readonly #groupId: string;
  readonly #log: Logger;
  readonly #health: Health | undefined;
  readonly #now: () => number;
  #sinceMs: number | null = null;
  #saidAtMs: number | null = null;

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
  }

  /** Notes how a request to the coordinator has failed, or the search for it. */
  failed(error: unknown): void {
    if (!(error instanceof Error) || !isNotServing(error)) return;
    const nowMs = this.#now();
    this.#sinceMs ??= nowMs;
    const message =
      `no broker coordinates group '${this.#groupId}' for now (${error.message}); asking again until one does`;
    this.#health?.fails(COORDINATOR, message, { afterMs: WORTH_SAYING_AFTER_MS });
    const wasJustSaid = this.#saidAtMs !== null && nowMs - this.#saidAtMs < REPEAT_INTERVAL_MS;
    if (nowMs - this.#sinceMs < WORTH_SAYING_AFTER_MS || wasJustSaid) {
      return this.#log.debug(() => message);
    }
    this.#saidAtMs = nowMs;
    this.#log.warn(message);
  }

  /** Notes that the coordinator has served the group. */
  served(): void {
    if (this.#saidAtMs !== null) {
      this.#log.info(`a broker coordinates group '${this.#groupId}' again`);
    }
    this.#sinceMs = null;
    this.#saidAtMs = null;
    this.#health?.works(COORDINATOR);
  }
}

/** Has kafkajs tell how requests to the coordinators of groups end: as it comes, it repeats them without a word. */
export function announceCoordinatorWaits(
  waitsOf: (request: { groupId: string }) => CoordinatorWaits | undefined,
): void {
  for (const name of ["findGroupCoordinator", ...COORDINATOR_REQUESTS]) {
    const ask = Broker.prototype[name];
    Broker.prototype[name] = async function (request: { groupId: string }) {
      const waits = waitsOf(request);
      try {
        const answer = await ask.call(this, request);
        if (COORDINATOR_REQUESTS.includes(name)) waits?.served();
        return answer;
      } catch (error) {
        waits?.failed(error);
        throw error;
      }
    };
  }
}
