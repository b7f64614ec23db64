/** Interval of checks. */
const INTERVAL_MS = 5000;

/** A change must be stable for this long, since the file may still be written. */
const SETTLE_MS = 500;

/** Texts by path; `undefined` for unreadable files. */
export type FileTexts = ReadonlyMap<string, string | undefined>;

export interface ChangedFilesOptions {
  read(path: string): Promise<string>;
  /** Called once a change is stable; returns what it has read of the files. */
  onChange(): FileTexts;
  readonly intervalMs?: number;
  readonly settleMs?: number;
}

/** Polls files for changes. Compares contents, since a file may be a symbolic link with changing targets. */
export class ChangedFiles implements Disposable {
  readonly #options: ChangedFilesOptions;
  readonly #intervalMs: number;
  readonly #settleMs: number;
  #known: FileTexts;
  #timer: number | undefined;
  #isDisposed = false;

  /** @param known contents when the files were last read; without any, there is nothing to poll */
  constructor(known: FileTexts, options: ChangedFilesOptions) {
    this.#known = known;
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
    this.#settleMs = options.settleMs ?? SETTLE_MS;
    if (known.size > 0) this.#lookLater(this.#known);
  }

  /** @param last contents at the last check */
  #lookLater(last: FileTexts): void {
    if (this.#isDisposed) return;
    const isSettling = last !== this.#known;
    this.#timer = setTimeout(
      () => this.#look(last),
      isSettling ? this.#settleMs : this.#intervalMs,
    );
  }

  async #look(last: FileTexts): Promise<void> {
    const seen = await this.#read();
    if (this.#isDisposed) return;
    if (isEqual(seen, this.#known)) return this.#lookLater(this.#known);
    if (!isEqual(seen, last)) return this.#lookLater(seen);
    this.#known = this.#options.onChange();
    this.#lookLater(this.#known);
  }

  async #read(): Promise<FileTexts> {
    const paths = [...this.#known.keys()];
    const texts = await Promise.all(paths.map((path) => this.#options.read(path).catch(() => {})));
    return new Map(paths.map((path, index) => [path, texts[index] ?? undefined]));
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
  }
}

function isEqual(one: FileTexts, other: FileTexts): boolean {
  return one.size === other.size &&
    one.entries().every(([path, text]) => other.has(path) && other.get(path) === text);
}
