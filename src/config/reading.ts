import { loadConfig, type LoadedConfig } from "./mod.ts";
import type { ConfigSource } from "./file.ts";
import { type Outside, RecordedOutside } from "./outside.ts";
import type { ConfigProblem } from "./problem.ts";

/** One reading of a configuration, and what it was made from. */
export class ConfigReading {
  readonly result: LoadedConfig | { problems: ConfigProblem[] };
  readonly #sources: readonly ConfigSource[];
  readonly #outside: RecordedOutside;

  constructor(sources: readonly ConfigSource[], outside: Outside) {
    this.#sources = sources;
    this.#outside = outside instanceof RecordedOutside ? outside : new RecordedOutside(outside);
    this.result = loadConfig(sources, this.#outside);
  }

  /** What was read besides the sources: texts by paths, `undefined` for what could not be read. */
  get files(): ReadonlyMap<string, string | undefined> {
    return this.#outside.files;
  }

  /** Reads the same sources with the same variables once more, and the files as they are now. */
  again(): ConfigReading {
    return new ConfigReading(this.#sources, this.#outside.again());
  }
}
