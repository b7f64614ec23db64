import type { Bytes } from "../../../../core/event.ts";
import type { InflatedOutput } from "./inflated_output.ts";

const DEFLATE = 8;

/** Flags of a member: what stands in its header. */
const HAS_CHECKSUM = 0x02;
const HAS_EXTRA = 0x04;
const HAS_NAME = 0x08;
const HAS_COMMENT = 0x10;
const RESERVED = 0xe0;
/** The checksum and the length of what a member holds. */
const TRAILER_BYTES = 8;

const STORED = 0;
const FIXED = 1;
const DYNAMIC = 2;
const MAX_CODE_BITS = 15;
const END_OF_BLOCK = 256;

/** In which order the lengths of codes of lengths stand. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const LENGTH_BITS = [
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  1,
  1,
  1,
  1,
  2,
  2,
  2,
  2,
  3,
  3,
  3,
  3,
  4,
  4,
  4,
  4,
  5,
  5,
  5,
  5,
  0,
];
const LENGTHS = [...baselines(LENGTH_BITS.slice(0, 28), 3), 258];
const DISTANCE_BITS = [
  0,
  0,
  0,
  0,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  5,
  6,
  6,
  7,
  7,
  8,
  8,
  9,
  9,
  10,
  10,
  11,
  11,
  12,
  12,
  13,
  13,
];
const DISTANCES = baselines(DISTANCE_BITS, 1);

/** What the next bits mean: a symbol above the number of its bits, or 0 when it is none. */
interface CodeTable {
  readonly bits: number;
  readonly entries: Uint16Array;
}

const FIXED_LITERALS = codeTable(
  Uint8Array.from(
    { length: 288 },
    (_, symbol) => symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  ),
);
const FIXED_DISTANCES = codeTable(new Uint8Array(30).fill(5));

/**
 * Decompresses members of gzip into `output`, and stops after each block, and whenever that is full. Does not look at
 * checksums. `node:zlib` is faster, but makes as much garbage as what comes out.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1951
 */
export function* readGzip(bytes: Bytes, output: InflatedOutput): Generator<void, void> {
  for (let position = 0; position < bytes.length;) {
    const input = new BitReader(bytes, headerEnd(bytes, position));
    for (let isLast = false; !isLast;) {
      isLast = input.take(1) === 1;
      const kind = input.take(2);
      if (kind === STORED) {
        const [start, end] = input.takeStored();
        output.append(bytes, start, end);
      } else if (kind === FIXED) {
        yield* readCodes(input, [FIXED_LITERALS, FIXED_DISTANCES], output);
      } else if (kind === DYNAMIC) {
        yield* readCodes(input, readTables(input), output);
      } else {
        throw damaged();
      }
      yield;
    }
    position = input.alignedPosition + TRAILER_BYTES;
    if (position > bytes.length) throw cutOff();
  }
}

/** Reads the header of a member. Returns the position behind it. */
function headerEnd(bytes: Bytes, start: number): number {
  if (bytes.length - start < 10) throw cutOff();
  const flags = bytes[start + 3]!;
  const isGzip = bytes[start] === 0x1f && bytes[start + 1] === 0x8b && bytes[start + 2] === DEFLATE;
  if (!isGzip || flags & RESERVED) throw damaged();
  let position = start + 10;
  if (flags & HAS_EXTRA) {
    position += 2 + ((bytes[position] ?? 0) | (bytes[position + 1] ?? 0) << 8);
  }
  for (const flag of [HAS_NAME, HAS_COMMENT]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, position);
    if (end < 0) throw cutOff();
    position = end + 1;
  }
  return position + (flags & HAS_CHECKSUM ? 2 : 0);
}

function* readCodes(
  input: BitReader,
  [literals, distances]: readonly [CodeTable, CodeTable],
  output: InflatedOutput,
): Generator<void, void> {
  const literal = new Uint8Array(1);
  for (;;) {
    const symbol = input.symbol(literals);
    if (symbol < END_OF_BLOCK) {
      literal[0] = symbol;
      output.append(literal, 0, 1);
    } else if (symbol === END_OF_BLOCK) {
      return;
    } else {
      const length = LENGTHS[symbol - 257];
      if (length === undefined) throw damaged();
      const count = length + input.take(LENGTH_BITS[symbol - 257]!);
      const code = input.symbol(distances);
      const distance = DISTANCES[code];
      if (distance === undefined) throw damaged();
      output.repeat(distance + input.take(DISTANCE_BITS[code]!), count);
    }
    if (output.isFull) yield;
  }
}

function readTables(input: BitReader): [CodeTable, CodeTable] {
  const literalCount = input.take(5) + 257;
  const distanceCount = input.take(5) + 1;
  const lengthCount = input.take(4) + 4;
  const lengthBits = new Uint8Array(19);
  for (let index = 0; index < lengthCount; index++) {
    lengthBits[LENGTH_ORDER[index]!] = input.take(3);
  }
  const lengthTable = codeTable(lengthBits);
  const bits = new Uint8Array(literalCount + distanceCount);
  for (let index = 0; index < bits.length;) {
    const symbol = input.symbol(lengthTable);
    if (symbol < 16) {
      bits[index++] = symbol;
      continue;
    }
    const repeated = symbol === 16 ? bits[index - 1] : 0;
    const count = symbol === 16
      ? 3 + input.take(2)
      : symbol === 17
      ? 3 + input.take(3)
      : 11 + input.take(7);
    if (repeated === undefined || index + count > bits.length) throw damaged();
    bits.fill(repeated, index, index + count);
    index += count;
  }
  return [codeTable(bits.subarray(0, literalCount)), codeTable(bits.subarray(literalCount))];
}

/** The table of the code whose symbols have so many bits. @throws {Error} when there is no such code */
function codeTable(symbolBits: Uint8Array): CodeTable {
  const counts = new Uint16Array(MAX_CODE_BITS + 1);
  for (const bits of symbolBits) if (bits > 0) counts[bits]!++;
  const next = new Uint32Array(MAX_CODE_BITS + 2);
  let longest = 1;
  for (let bits = 1; bits <= MAX_CODE_BITS; bits++) {
    next[bits + 1] = (next[bits]! + counts[bits]!) << 1;
    if (next[bits]! + counts[bits]! > 1 << bits) throw damaged();
    if (counts[bits]! > 0) longest = bits;
  }
  const entries = new Uint16Array(1 << longest);
  for (let symbol = 0; symbol < symbolBits.length; symbol++) {
    const bits = symbolBits[symbol]!;
    if (bits === 0) continue;
    const code = reversed(next[bits]!++, bits);
    for (let index = code; index < entries.length; index += 1 << bits) {
      entries[index] = symbol << 4 | bits;
    }
  }
  return { bits: longest, entries };
}

/** Codes stand in the bytes with their first bit first. */
function reversed(code: number, bits: number): number {
  let result = 0;
  for (let bit = 0; bit < bits; bit++) result |= (code >> bit & 1) << (bits - 1 - bit);
  return result;
}

class BitReader {
  readonly #bytes: Bytes;
  #position: number;
  #buffer = 0;
  #count = 0;

  constructor(bytes: Bytes, position: number) {
    this.#bytes = bytes;
    this.#position = position;
  }

  /** Behind the byte of which a bit was taken last. */
  get alignedPosition(): number {
    return this.#position - (this.#count >> 3);
  }

  /** Up to 16 bits. */
  take(count: number): number {
    this.#fill(count);
    if (this.#count < count) throw cutOff();
    const value = this.#buffer & ((1 << count) - 1);
    this.#drop(count);
    return value;
  }

  symbol({ bits, entries }: CodeTable): number {
    this.#fill(bits);
    const entry = entries[this.#buffer & (entries.length - 1)]!;
    const taken = entry & 15;
    if (taken > this.#count) throw cutOff();
    if (entry === 0) throw damaged();
    this.#drop(taken);
    return entry >> 4;
  }

  /** Where the bytes of a stored block stand. */
  takeStored(): [start: number, end: number] {
    const start = this.alignedPosition + 4;
    if (start > this.#bytes.length) throw cutOff();
    const at = (position: number) => this.#bytes[position]! | this.#bytes[position + 1]! << 8;
    const length = at(start - 4);
    if ((length ^ at(start - 2)) !== 0xffff) throw damaged();
    this.#position = start + length;
    this.#buffer = 0;
    this.#count = 0;
    return [start, start + length];
  }

  #fill(count: number): void {
    while (this.#count < count && this.#position < this.#bytes.length) {
      this.#buffer |= this.#bytes[this.#position++]! << this.#count;
      this.#count += 8;
    }
  }

  #drop(count: number): void {
    this.#buffer >>>= count;
    this.#count -= count;
  }
}

function baselines(bits: readonly number[], start: number): readonly number[] {
  let next = start;
  return bits.map((width) => {
    const baseline = next;
    next += 1 << width;
    return baseline;
  });
}

function cutOff(): Error {
  return new Error("it is cut off");
}

function damaged(): Error {
  return new Error("it is damaged");
}
