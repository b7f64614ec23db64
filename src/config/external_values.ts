/** Why a file cannot be read, in words that complete "cannot read the file, as". */
export class FileError extends Error {
  override readonly name = "FileError";
}

/** Access to external values: environment variables and files. */
export interface ExternalValues {
  env(name: string): string | undefined;
  /**
   * @param isAgain whether the configuration is already in force, so that reading must not wait
   * @throws when the file can't be read
   */
  readFile(path: string, isAgain?: boolean): string;
  /** Whether a path is a pipe or the like, whose content can be read once. */
  isStream?(path: string): boolean;
}

/** Records the external values of a configuration. */
export class RecordedValues implements ExternalValues {
  readonly #values: ExternalValues;
  readonly #variables = new Map<string, string | undefined>();
  readonly #files = new Map<string, string | undefined>();
  readonly #streams = new Map<string, string>();

  constructor(values: ExternalValues) {
    this.#values = values;
  }

  /** Files that may change, by path; `undefined` for unreadable ones. */
  get files(): ReadonlyMap<string, string | undefined> {
    return this.#files;
  }

  /** For reading the same text again: with recorded variables and streams, but current files. */
  again(): RecordedValues {
    return new RecordedValues({
      env: (name) => this.#variables.get(name),
      readFile: (path) => this.#streams.get(path) ?? this.#values.readFile(path, true),
      isStream: (path) => this.#streams.has(path),
    });
  }

  env(name: string): string | undefined {
    const value = this.#values.env(name);
    this.#variables.set(name, value);
    return value;
  }

  readFile(path: string): string {
    const stream = this.#streams.get(path);
    if (stream !== undefined) return stream;
    this.#files.set(path, undefined);
    const isStream = this.#values.isStream?.(path) ?? false;
    const text = this.#values.readFile(path);
    if (isStream) {
      this.#streams.set(path, text);
      this.#files.delete(path);
    } else this.#files.set(path, text);
    return text;
  }
}
