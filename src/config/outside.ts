/** All that a configuration can take from outside its own text. */
export interface Outside {
  env(name: string): string | undefined;
  /** @throws when the file can't be read */
  readFile(path: string): string;
}

/** Remembers what a configuration was made from besides its text. */
export class RecordedOutside implements Outside {
  readonly #outside: Outside;
  readonly #variables = new Map<string, string | undefined>();
  readonly #files = new Map<string, string | undefined>();

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /** By their paths; `undefined` for what could not be read. */
  get files(): ReadonlyMap<string, string | undefined> {
    return this.#files;
  }

  /** For another reading of the same text: the variables are as they were, the files as they are. */
  again(): RecordedOutside {
    return new RecordedOutside({
      env: (name) => this.#variables.get(name),
      readFile: (path) => this.#outside.readFile(path),
    });
  }

  env(name: string): string | undefined {
    const value = this.#outside.env(name);
    this.#variables.set(name, value);
    return value;
  }

  readFile(path: string): string {
    this.#files.set(path, undefined);
    const text = this.#outside.readFile(path);
    this.#files.set(path, text);
    return text;
  }
}
