/** Why a file cannot be read, in words that complete "cannot read the file, as". */
export class FileError extends Error {
  override readonly name = "FileError";
}

/** All that a configuration can take from outside its own text. */
export interface Outside {
  env(name: string): string | undefined;
  /**
   * @param isAgain whether that is for a configuration in force, so that nothing must be waited for
   * @throws when the file can't be read
   */
  readFile(path: string, isAgain?: boolean): string;
  /** Whether a path is that of a pipe or the like, which gives what it holds once. */
  isStream?(path: string): boolean;
}

/** Remembers what a configuration was made from besides its text. */
export class RecordedOutside implements Outside {
  readonly #outside: Outside;
  readonly #variables = new Map<string, string | undefined>();
  readonly #files = new Map<string, string | undefined>();
  readonly #streams = new Map<string, string>();

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /** What may change, by paths; `undefined` for what could not be read. */
  get files(): ReadonlyMap<string, string | undefined> {
    return this.#files;
  }

  /** For another reading of the same text: variables and streams are as they were, the files as they are. */
  again(): RecordedOutside {
    return new RecordedOutside({
      env: (name) => this.#variables.get(name),
      readFile: (path) => this.#streams.get(path) ?? this.#outside.readFile(path, true),
      isStream: (path) => this.#streams.has(path),
    });
  }

  env(name: string): string | undefined {
    const value = this.#outside.env(name);
    this.#variables.set(name, value);
    return value;
  }

  readFile(path: string): string {
    const stream = this.#streams.get(path);
    if (stream !== undefined) return stream;
    this.#files.set(path, undefined);
    const isStream = this.#outside.isStream?.(path) ?? false;
    const text = this.#outside.readFile(path);
    if (isStream) {
      this.#streams.set(path, text);
      this.#files.delete(path);
    } else this.#files.set(path, text);
    return text;
  }
}
