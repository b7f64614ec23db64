import { loadConfig, type LoadedConfig } from "./mod.ts";
import type { ConfigSource } from "./file.ts";
import { type Outside, RecordedOutside } from "./outside.ts";
import type { ConfigProblem } from "./problem.ts";

/** A configuration as read once, with its external values. */
export class ConfigReading {
  readonly result: LoadedConfig | { problems: ConfigProblem[] };
  readonly #sources: readonly ConfigSource[];
  readonly #outside: RecordedOutside;

  constructor(sources: readonly ConfigSource[], outside: Outside) {
    this.#sources = sources;
    this.#outside = outside instanceof RecordedOutside ? outside : new RecordedOutside(outside);
    this.result = loadConfig(sources, this.#outside);
  }

  /** Named files: texts by path, `undefined` for unreadable ones. */
  get files(): ReadonlyMap<string, string | undefined> {
    return this.#outside.files;
  }

  /** Reads the same sources again, with the same variables and the current files. */
  again(): ConfigReading {
    return new ConfigReading(this.#sources, this.#outside.again());
  }
}
