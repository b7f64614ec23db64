import { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";

/** The decoder of kafkajs, as far as it is used here. */
interface PatchedDecoder {
  readonly buffer: Buffer;
  readonly offset: number;
}

/** A response ends before its fields do. Nothing that comes on its connection can be trusted. */
export class DamagedResponseError extends Error {
  override readonly name = "DamagedResponseError";
  /** To kafkajs: another connection may bring a better one. */
  readonly retriable = true;

  constructor() {
    super("a response ends before its fields do");
  }
}

type Read = (this: PatchedDecoder, ...args: unknown[]) => unknown;

/** The methods that read a number, and the bytes that it takes. */
const NUMBERS: Readonly<Record<string, number>> = {
  readInt8: 1,
  readInt16: 2,
  readInt32: 4,
  readInt64: 8,
  readDouble: 8,
  readVarInt: 1,
  readUVarInt: 1,
  readVarLong: 1,
};

/** The methods that begin by a length or a count, and how they read it. */
const LENGTHS: Readonly<Record<string, "readInt16" | "readInt32" | "readVarInt" | "readUVarInt">> =
  {
    readString: "readInt16",
    readVarIntString: "readVarInt",
    readUVarIntString: "readUVarInt",
    readVarIntBytes: "readVarInt",
    readUVarIntBytes: "readUVarInt",
    readArray: "readInt32",
    readArrayAsync: "readInt32",
    readVarIntArray: "readVarInt",
    readUVarIntArray: "readUVarInt",
    readTaggedFields: "readUVarInt",
  };

/**
 * Has the decoder of kafkajs refuse a response that ends before its fields do. As it comes, it takes a count of two
 * billion for granted, and allocates an array of that length.
 */
export function boundDecoder(): void {
  for (const [name, size] of Object.entries(NUMBERS)) {
    wrap(name, (decoder) => requireBytes(decoder, size));
  }
  for (const [name, readLength] of Object.entries(LENGTHS)) {
    wrap(name, (decoder) => {
      const ahead = new Decoder(decoder.buffer);
      ahead.offset = decoder.offset;
      // Compact lengths are one more than what they stand for; each element takes a byte at least.
      const length = ahead[readLength]() - (readLength === "readUVarInt" ? 1 : 0);
      requireBytes(ahead, length);
    });
  }
  const { readBytes } = Decoder.prototype;
  Decoder.prototype.readBytes = function (
    this: PatchedDecoder & { readInt32(): number },
    length: number = this.readInt32(),
  ) {
    requireBytes(this, length);
    return readBytes.call(this, length);
  };
}

function wrap(name: string, check: (decoder: PatchedDecoder) => void): void {
  const read: Read = Decoder.prototype[name];
  Decoder.prototype[name] = function (...args: unknown[]) {
    check(this);
    return read.apply(this, args);
  };
}

/** -1 stands for null. */
function requireBytes({ buffer, offset }: PatchedDecoder, count: number): void {
  if (count >= -1 && offset + count <= buffer.length) return;
  throw new DamagedResponseError();
}
