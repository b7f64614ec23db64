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

/** The external values that a configuration was read with: plain data. */
export interface RecordedValues {
  readonly variables: ReadonlyMap<string, string | undefined>;
  /** Files that may change, by path; `undefined` for unreadable ones. */
  readonly files: ReadonlyMap<string, string | undefined>;
  /** Contents of pipes and the like, by path. */
  readonly streams: ReadonlyMap<string, string>;
}

/** Records the external values of a configuration. */
export class ValueRecorder implements ExternalValues {
  readonly recorded = {
    variables: new Map<string, string | undefined>(),
    files: new Map<string, string | undefined>(),
    streams: new Map<string, string>(),
  };
  readonly #values: ExternalValues;
  readonly #before: RecordedValues | undefined;

  /** @param before replaces variables and streams, for reading the same text again */
  constructor(values: ExternalValues, before?: RecordedValues) {
    this.#values = values;
    this.#before = before;
  }

  env(name: string): string | undefined {
    const before = this.#before;
    const value = before === undefined ? this.#values.env(name) : before.variables.get(name);
    this.recorded.variables.set(name, value);
    return value;
  }

  readFile(path: string): string {
    const { files, streams } = this.recorded;
    const isAgain = this.#before !== undefined;
    const stream = (this.#before?.streams ?? streams).get(path);
    if (stream !== undefined) {
      streams.set(path, stream);
      return stream;
    }
    files.set(path, undefined);
    const isStream = !isAgain && this.#values.isStream?.(path) === true;
    const text = this.#values.readFile(path, isAgain);
    if (isStream) {
      streams.set(path, text);
      files.delete(path);
    } else files.set(path, text);
    return text;
  }
}
