import type { Bytes, RecordHeader } from "../../../core/event.ts";
import { type BatchedRecord, UTF8 } from "./record_reader.ts";

/** Bytes kept of an oversized record's key and headers in all; a field that exceeds the rest is skipped. */
export const MAX_KEPT_BYTES = 256 * 1024;

const MAX_FACTOR = 2 ** 63;

/** The bytes of a record. */
interface Source {
  /** Whether the record is too large: then its value is skipped. */
  readonly isOversized: boolean;
  /** The bytes at hand: the start of the record, and perhaps bytes after it. */
  readonly bytes: Bytes;
  /** Resolves with the next piece. @throws {Error} when there is none */
  readonly more: () => Promise<Bytes>;
}

/** A record, and the bytes at hand after it. */
interface Spanning {
  readonly record: BatchedRecord;
  readonly rest: Bytes;
}

/**
 * Reads a record that spans several pieces. Its fields are copied.
 *
 * @throws {RangeError} when the record is damaged
 */
export async function readSpanning({ isOversized, bytes, more }: Source): Promise<Spanning> {
  const reader = new PieceReader(bytes, more);
  const length = await reader.begin();
  let kept = isOversized ? MAX_KEPT_BYTES : Infinity;
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
  await reader.skip(1);
  const timestampDeltaMs = await reader.varint();
  const offsetDelta = await reader.varint();
  const key = await take();
  if (isOversized) await reader.skip(Math.max(await reader.varint(), 0));
  const value = isOversized ? new Uint8Array() : await take();
  const headers: RecordHeader[] = [];
  for (let count = await reader.varint(); count > 0 && kept > 0; count--) {
    const name = UTF8.decode(await take() ?? undefined);
    headers.push([name, await take()]);
  }
  await reader.skip(reader.left);
  const record = { timestampDeltaMs, offsetDelta, key, value, headers };
  return {
    record: isOversized ? { ...record, oversizeBytes: length } : record,
    rest: reader.rest,
  };
}

/** Reads fields across pieces, never beyond the end of the record. */
class PieceReader {
  readonly #more: Source["more"];
  #piece: Bytes;
  #position = 0;
  #left = Infinity;

  constructor(bytes: Bytes, more: Source["more"]) {
    this.#piece = bytes;
    this.#more = more;
  }

  /** Reads the length field of the record, and resolves with the length. */
  async begin(): Promise<number> {
    return this.#left = await this.varint();
  }

  /** Unread bytes of the record. */
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

  /** Up to `count` bytes, at least one. */
  async #next(count: number): Promise<Bytes> {
    if (count > this.#left) throw damaged();
    while (this.#position === this.#piece.length) {
      this.#piece = await this.#more();
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
