import type { FailureConfig } from "./failures/failure_policy.ts";
import type { CallObserver, Handler } from "./handler.ts";
import type { Health } from "./health.ts";
import type { Listener } from "./listener.ts";
import type { Logger } from "./log.ts";
import type { ResultProcessor } from "./result_processor.ts";

/** What a section of the configuration needs of the sandbox. Hosts are `host:port`. */
export interface Permissions {
  readonly net: readonly string[];
  /** Names of environment variables. */
  readonly env: readonly string[];
}

/** The section of a role in the configuration: plain data that can be posted to a Worker. */
export interface RoleConfig {
  readonly type: string;
}

/** The section of a handler. */
export type HandlerConfig = RoleConfig & FailureConfig;

/** What a role gets from its pipeline. */
export interface RoleContext {
  readonly pipeline: string;
  readonly log: Logger;
}

/** How much of a pipeline may be under way at a time. */
export interface Limits {
  /** Calls in flight. */
  readonly concurrency: number;
  /** Events of a partition, from its lowest unsettled one to the last one delivered. */
  readonly maxLookahead: number;
  /** Bytes of all events that a listener holds, delivered or not; as many for results that wait to be stored. */
  readonly maxBufferedBytes: number;
}

/** What an instance of a role gets that is going to work. */
export interface OpenContext extends RoleContext {
  readonly limits: Limits;
  /** Told of what fails, when somebody wants to know. */
  readonly health?: Health;
  /** Told what a handler's calls say, when somebody wants to see it. */
  readonly observer?: CallObserver;
}

/** What the other side of a part tells of itself before a pipeline runs. */
export interface OtherSide {
  /** Hosts that only the other side can name. */
  readonly hosts: readonly string[];
  /** Where events come from or records go to, in the other side's own words: the same, whatever it is configured by. */
  readonly places: readonly string[];
}

/** Offsets by partition. */
export type Offsets = ReadonlyMap<number, number>;

/** What is said to open what a store holds. */
export interface ReadBackContext extends OpenContext {
  /** By this name the store remembers how far it has been read. */
  readonly reader: string;
  /** Of which other readers it matters how far they have got. */
  readonly isPeer: (reader: string) => boolean;
  /** Where reading ends, when not where the store ends now. */
  readonly ends?: Offsets | undefined;
  /** Whether the store is to remember what was read. */
  readonly remembers: boolean;
}

/** What a store holds, from where its reader had got to up to where it ended; there the input ends. */
export interface StoredEvents extends Listener {
  readonly starts: Offsets;
  readonly ends: Offsets;
  /** Below these offsets, nothing will be read again by the same reader. */
  readonly positions: Offsets;
  /** How far each of the other readers had got. */
  readonly peers: ReadonlyMap<string, Offsets>;
}

/**
 * One of the parts a transport can play in a pipeline. Members that return promises touch the network, inside a
 * sandbox; the others are pure and load no client library.
 */
export interface Role<Config extends RoleConfig, Instance> {
  /** What only one pipeline of a process can have, when there is such a thing. */
  readonly exclusive?: string;
  /** What the configuration itself names. */
  permissions(config: Config): Permissions;
  /**
   * Where its events come from or its records go to by what is configured, as texts that are equal for the same place.
   * One place can have several.
   */
  places?(config: Config): readonly string[];
  /** One line for `eventor check`, without secrets. */
  describe(config: Config): string;
  /** What only the other side can tell, asked for with no more than `permissions(config)`. */
  discover?(config: Config, context: RoleContext): Promise<OtherSide>;
  /** Problems that only the other side can tell of, one sentence each; none when all is well. */
  check?(config: Config, context: RoleContext): Promise<string[]>;
  open(config: Config, context: OpenContext): Promise<Instance>;
}

/** A listener's role. */
export interface ListenerRole<Config extends RoleConfig> extends Role<Config, Listener> {
  /** Whether a listener that is opened anew goes on where the last one had settled everything. */
  readonly resumable: boolean;
  /** The topic of its events. */
  topic(config: Config): string;
  /**
   * As which reader it reads which place, as texts of which one is equal for the same: of events of one place, each reader
   * gets only those that no other gets under its name.
   */
  readers?(config: Config): readonly string[];
  /** Opens what puts events back to where they come from, if that is possible. */
  putBack?(config: Config, context: OpenContext): Promise<ResultProcessor>;
}

/** A handler's role. */
export interface HandlerRole<Config extends HandlerConfig> extends Role<Config, Handler> {
  /** Whether an open handler can go over to another configuration, with the same permissions. Without it, none can. */
  canUpdate?(from: Config, to: Config): boolean;
}

/** A result processor's role. */
export interface ResultProcessorRole<Config extends RoleConfig>
  extends Role<Config, ResultProcessor> {
  /** Opens what was stored, if it can be read. */
  readBack?(config: Config, context: ReadBackContext): Promise<StoredEvents>;
}
