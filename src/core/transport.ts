import type { EventOrigin } from "./event.ts";
import type { FailureConfig } from "./failure_policy.ts";
import type { CallObserver, Handler } from "./handler.ts";
import type { Health } from "./health.ts";
import type { Listener } from "./listener.ts";
import type { Logger } from "./log.ts";
import type { ResultProcessor } from "./result_processor.ts";

/** What a configuration section needs from the sandbox. Hosts are `host:port`. */
export interface Permissions {
  readonly net: readonly string[];
  /** Names of environment variables. */
  readonly env: readonly string[];
}

/** Configuration section of a role: plain data that can be posted to a Worker. */
export interface RoleConfig {
  readonly type: string;
}

export type HandlerConfig = RoleConfig & FailureConfig;

/** What a pipeline passes to its roles. */
export interface RoleContext {
  readonly pipeline: string;
  readonly log: Logger;
}

/** How much a pipeline may have in progress. */
export interface Limits {
  /** Calls in flight. */
  readonly concurrency: number;
  /** Events of a lease, from the lowest unsettled to the last delivered. */
  readonly maxLookahead: number;
  /** Bytes of the events that a listener holds, delivered or not; separately, of results that wait to be stored. */
  readonly maxBufferedBytes: number;
}

/** What an open role needs for its work. */
export interface OpenContext extends RoleContext {
  readonly limits: Limits;
  /** Receives failures, where readiness is observed. */
  readonly health?: Health;
  /** Receives requests and responses, for `eventor try`. */
  readonly observer?: CallObserver;
}

/** What discovery finds before a pipeline runs. */
export interface Discovery {
  /** Hosts that only the remote system can name. */
  readonly hosts: readonly string[];
  /** Sources or destinations as the remote system identifies them: the same text, however it is configured. */
  readonly destinations: readonly string[];
}

/** Options for reading stored records. */
export interface ReadBackContext extends OpenContext {
  /** Name under which the store keeps the read position. */
  readonly reader: string;
  /** The range that an earlier reader of this name has reported: reading goes on in it. */
  readonly range?: string | undefined;
  /** Whether the store keeps the read position. */
  readonly remembers: boolean;
}

/** How far a reader of stored records has got. */
export interface ReadProgress {
  /** What there is to read, as a text that only the store understands. */
  readonly range: string;
  /** Number of records in the range. Where a store deletes records one by one, it is an upper limit. */
  readonly total: number;
  /** How many of them the next reader of this name gets. */
  readonly unread: number;
  /** The part of the range that was read, in lines for people. */
  readonly read: readonly string[];
}

/** Stored records, from the reader's position to the end that the store had at first. There, the input ends. */
export interface StoredEvents extends Listener {
  readonly progress: ReadProgress;
}

/**
 * A role that a transport can have in a pipeline. Methods that return promises use the network, inside a sandbox; the
 * others are pure and load no client library.
 */
export interface Role<Config extends RoleConfig, Instance> {
  /** A resource that only one pipeline of a process can use: `standard input`. */
  readonly exclusive?: string;
  /** Permissions for everything that the configuration names. */
  permissions(config: Config): Permissions;
  /** Configured sources or destinations, as texts that are equal for the same one. One can have several texts. */
  destinations?(config: Config): readonly string[];
  /** One line for `eventor check`, without secrets. */
  describe(config: Config): string;
  /** What only the remote system knows. Needs no more than `permissions(config)`. */
  discover?(config: Config, context: RoleContext): Promise<Discovery>;
  /** Problems that only the remote system can report, one sentence each; empty when all is well. */
  check?(config: Config, context: RoleContext): Promise<string[]>;
  open(config: Config, context: OpenContext): Promise<Instance>;
}

/** What holds of a listener's events. `eventor check` says it in plain words. */
export interface ListenerPromises {
  /** Whether a new listener delivers what had not settled. Otherwise it is lost. */
  readonly resumable: boolean;
  /**
   * How the source learns that an event has settled. `each`: event by event. `cumulative`: up to a position, so events
   * behind an unsettled one come again, even settled ones.
   */
  readonly acknowledges: "each" | "cumulative";
  /** Whether events come in their order, again after a crash, too. */
  readonly keepsOrder: boolean;
  /** Whether each event has an id, of which its `Idempotency-Key` is made. */
  readonly identifies: boolean;
}

export interface ListenerRole<Config extends RoleConfig> extends Role<Config, Listener> {
  readonly promises: ListenerPromises;
  /** Names of the facts that each event's origin has. */
  readonly facts: readonly string[];
  /** The origin of the first event of a source, for `eventor try`. */
  firstOrigin(config: Config, timestampMs: number): EventOrigin;
  /**
   * Texts for the reader and its source. Two listeners with a text in common share the events: each event reaches only
   * one of them.
   */
  readers?(config: Config): readonly string[];
  /** Opens a processor that writes events to their source again, if that is possible. */
  writeBack?(config: Config, context: OpenContext): Promise<ResultProcessor>;
}

export interface HandlerRole<Config extends HandlerConfig> extends Role<Config, Handler> {
  /**
   * Whether an open handler can switch to another configuration with the same permissions; without this method, none
   * can.
   */
  canUpdate?(from: Config, to: Config): boolean;
}

export interface ResultProcessorRole<Config extends RoleConfig>
  extends Role<Config, ResultProcessor> {
  /** Opens stored records for reading, if that is possible. */
  readBack?(config: Config, context: ReadBackContext): Promise<StoredEvents>;
}
