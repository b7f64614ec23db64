import { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import { replacement } from "./replacement.ts";

/** The members of kafkajs's Decoder used here. */
interface BoundedDecoder {
  readonly buffer: Buffer;
  readonly offset: number;
}

/** A response ends before its fields do. Nothing further on its connection can be trusted. */
export class DamagedResponseError extends RangeError {
  override readonly name = "DamagedResponseError";
  /** Tells kafkajs to retry: on another connection, the response may be intact. */
  readonly retriable = true;

  constructor() {
    super("a response ends before its fields do");
  }
}

type Read = (this: BoundedDecoder, ...args: unknown[]) => unknown;

/** Methods that read a number, and its least size in bytes. */
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

/** Methods that first read a length or a count, and the method that reads it. */
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

const { readBytes } = Decoder.prototype;

/** Rejects a response that ends before its fields do. kafkajs believes a count of two billion, and allocates as much. */
export const DECODER = replacement("Decoder", Decoder.prototype, {
  ...bounded(NUMBERS, (decoder, size) => requireBytes(decoder, size)),
  ...bounded(LENGTHS, (decoder, readLength) => {
    const ahead = new Decoder(decoder.buffer);
    ahead.offset = decoder.offset;
    // Compact lengths (KIP-482) are stored plus one; each element takes at least one byte.
    const length = ahead[readLength]() - (readLength === "readUVarInt" ? 1 : 0);
    requireBytes(ahead, length);
  }),
  readBytes(
    this: BoundedDecoder & { readInt32(): number },
    length: number = this.readInt32(),
  ): unknown {
    requireBytes(this, length);
    return readBytes.call(this, length);
  },
});

/** The methods named by `limits`, each after a check with its limit. */
function bounded<T>(
  limits: Readonly<Record<string, T>>,
  check: (decoder: BoundedDecoder, limit: T) => void,
): Record<string, Read> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, limit]) => {
      const read: Read = Decoder.prototype[name];
      return [name, function (...args: unknown[]) {
        check(this, limit);
        return read.apply(this, args);
      }];
    }),
  );
}

/** A `count` of -1 stands for null. */
function requireBytes({ buffer, offset }: BoundedDecoder, count: number): void {
  if (count >= -1 && offset + count <= buffer.length) return;
  throw new DamagedResponseError();
}
