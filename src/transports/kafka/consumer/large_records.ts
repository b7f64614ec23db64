const MEBIBYTE = 1024 * 1024;

/** A record that takes more waits for its turn. */
const LARGE_BYTES = MEBIBYTE;

/** What all large records of an isolate may take together; one alone may take more. */
const MAX_BYTES = 16 * MEBIBYTE;

/** What a record takes until it is released. */
export interface Held {
  /** May be called again. */
  release(): void;
}

const NOTHING: Held = { release() {} };

/** Bounds what large records take together, of whichever partitions. */
export class LargeRecords {
  readonly #maxBytes: number;
  readonly #waiting: (() => void)[] = [];
  #heldBytes = 0;

  constructor({ maxBytes = MAX_BYTES }: { maxBytes?: number } = {}) {
    this.#maxBytes = maxBytes;
  }

  /** Resolves when there is room for a record of so many bytes, which takes it until it is released. */
  async hold(bytes: number): Promise<Held> {
    if (bytes <= LARGE_BYTES) return NOTHING;
    while (this.#heldBytes > 0 && this.#heldBytes + bytes > this.#maxBytes) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#heldBytes += bytes;
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#heldBytes -= bytes;
        for (const resolve of this.#waiting.splice(0)) resolve();
      },
    };
  }
}

/** Those of this isolate. */
export const LARGE_RECORDS = new LargeRecords();
