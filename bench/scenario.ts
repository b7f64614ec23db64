import type { EndpointBehaviour } from "./endpoint_process.ts";
import type { Options } from "./options.ts";

/** What a scenario measured; a figure that it cannot tell is absent. */
export interface Figures {
  readonly perSecond?: number;
  /** CPU time of the measured process for each event or call, in microseconds. */
  readonly cpuMicros?: number;
  readonly maxRssMb?: number;
  /** Everything else, by a name that holds the unit. */
  readonly more?: Readonly<Record<string, number>>;
}

/** What all scenarios share. */
export interface Bench {
  readonly options: Options;
  /** `host:port` of the broker. */
  readonly broker: string;
  /** Runs eventor, when its own arguments follow. */
  readonly command: readonly string[];
  /** The URL of an endpoint that does this; it runs until the end of the bench. */
  endpoint(behaviour: EndpointBehaviour): Promise<string>;
  say(line: string): void;
}

/** One row of the table. */
export interface Scenario {
  readonly number: number;
  readonly name: string;
  /** The number of the scenario whose rate this one's is compared with. */
  readonly comparedWith?: number;
  run(bench: Bench): Promise<Figures>;
}
