/** How often files are looked at. */
const INTERVAL_MS = 5000;

/** Within this time nothing may have changed, or somebody may still be writing. */
const SETTLE_MS = 500;

/** Texts by paths; `undefined` for files that cannot be read. */
export type FileTexts = ReadonlyMap<string, string | undefined>;

/** What a look-out needs. */
export interface ChangedFilesParts {
  read(path: string): Promise<string>;
  /** Told once all files are as they were at the last look; resolves with what it has read of them. */
  onChange(): FileTexts;
  readonly intervalMs?: number;
  readonly settleMs?: number;
}

/**
 * Looks from time to time whether files hold something else than before. Contents are compared, as files may be symbolic
 * links to others by turns.
 */
export class ChangedFiles implements Disposable {
  readonly #parts: ChangedFilesParts;
  readonly #intervalMs: number;
  readonly #settleMs: number;
  #known: FileTexts;
  #timer: number | undefined;
  #isDisposed = false;

  /** @param known what the files held when they were last read; without any, nothing is looked at */
  constructor(known: FileTexts, parts: ChangedFilesParts) {
    this.#known = known;
    this.#parts = parts;
    this.#intervalMs = parts.intervalMs ?? INTERVAL_MS;
    this.#settleMs = parts.settleMs ?? SETTLE_MS;
    if (known.size > 0) this.#lookLater(this.#known);
  }

  /** @param last what was seen at the last look */
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
    this.#known = this.#parts.onChange();
    this.#lookLater(this.#known);
  }

  async #read(): Promise<FileTexts> {
    const paths = [...this.#known.keys()];
    const texts = await Promise.all(paths.map((path) => this.#parts.read(path).catch(() => {})));
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
