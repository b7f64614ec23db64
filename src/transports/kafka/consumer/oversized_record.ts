import type { Bytes, RecordHeader } from "../../../core/event.ts";
import type { BatchedRecord } from "./record_reader.ts";

/** A key or a header that takes more is passed over. */
const MAX_KEPT_BYTES = 256 * 1024;

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
const MAX_FACTOR = 2 ** 63;

/** Where a record comes from. */
interface Source {
  /** What has come of it, and perhaps of what stands behind it. */
  readonly bytes: Bytes;
  /** Resolves with null when nobody wants the record any more. @throws {Error} when there is no more */
  readonly more: () => Promise<Bytes | null>;
}

/** A record without its value, and what has come behind it. */
interface Oversized {
  readonly record: BatchedRecord;
  readonly rest: Bytes;
}

/**
 * Reads a record of which the value is not kept: there is no room for it. The key and headers are kept as long as there
 * is room for them. Resolves with null when nobody wants it any more.
 *
 * @param length of the record behind its length
 * @throws {RangeError} when the record is damaged
 */
export async function readOversized(length: number, source: Source): Promise<Oversized | null> {
  const reader = new PieceReader(length, source);
  try {
    await reader.skip(1);
    const timestampDeltaMs = await reader.varint();
    const offsetDelta = await reader.varint();
    let kept = MAX_KEPT_BYTES;
    const take = async (): Promise<Bytes | null> => {
      const size = await reader.varint();
      if (size < 0) return null;
      if (size > kept) {
        await reader.skip(size);
        return null;
      }
      kept -= size;
      return await reader.bytes(size);
    };
    const key = await take();
    await reader.skip(Math.max(await reader.varint(), 0));
    const headers: RecordHeader[] = [];
    for (let count = await reader.varint(); count > 0 && kept > 0; count--) {
      const name = UTF8.decode(await take() ?? undefined);
      headers.push([name, await take()]);
    }
    await reader.skip(reader.left);
    const value = new Uint8Array();
    const record = { timestampDeltaMs, offsetDelta, key, value, headers, oversizeBytes: length };
    return { record, rest: reader.rest };
  } catch (error) {
    if (error === UNWANTED) return null;
    throw error;
  }
}

const UNWANTED = Symbol("nobody wants the record any more");

/** Reads fields from pieces, and no further than the record goes. */
class PieceReader {
  readonly #more: Source["more"];
  #piece: Bytes;
  #position = 0;
  #left: number;

  constructor(length: number, { bytes, more }: Source) {
    this.#left = length;
    this.#piece = bytes;
    this.#more = more;
  }

  /** How much of the record has not been read. */
  get left(): number {
    return this.#left;
  }

  get rest(): Bytes {
    return this.#piece.subarray(this.#position);
  }

  async skip(count: number): Promise<void> {
    for (let rest = count; rest > 0;) rest -= (await this.#next(rest)).length;
  }

  async bytes(count: number): Promise<Bytes> {
    if (count > this.#left) throw damaged();
    const bytes = new Uint8Array(count);
    for (let filled = 0; filled < count;) {
      const part = await this.#next(count - filled);
      bytes.set(part, filled);
      filled += part.length;
    }
    return bytes;
  }

  async varint(): Promise<number> {
    let unsigned = 0;
    for (let factor = 1; factor <= MAX_FACTOR; factor *= 0x80) {
      const byte = (await this.#next(1))[0]!;
      unsigned += (byte & 0x7f) * factor;
      if (byte < 0x80) return unsigned % 2 === 0 ? unsigned / 2 : -(unsigned + 1) / 2;
    }
    throw damaged();
  }

  /** Up to `count` bytes, one at least. */
  async #next(count: number): Promise<Bytes> {
    if (count > this.#left) throw damaged();
    while (this.#position === this.#piece.length) {
      const piece = await this.#more();
      if (piece === null) throw UNWANTED;
      this.#piece = piece;
      this.#position = 0;
    }
    const start = this.#position;
    this.#position = Math.min(start + count, this.#piece.length);
    const part = this.#piece.subarray(start, this.#position);
    this.#left -= part.length;
    return part;
  }
}

function damaged(): RangeError {
  return new RangeError("a record of the batch ends before its fields do");
}
