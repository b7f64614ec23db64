/**
 * Literals of zstd: bytes as they are, one byte that is repeated, or a Huffman code. After fzstd 0.1.1, Copyright (c) 2020
 * Arjun Barrett, MIT License.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.3.1
 * @module
 */
import type { Bytes } from "../../../../core/event.ts";
import { bitsAt, endMark, readHuffmanTable, type SymbolTable } from "./zstd_tables.ts";

const RAW = 0;
/** From here on, literals have a Huffman code: 2 with a table, 3 with that of the block before. */
const COMPRESSED = 2;
const MAX_BYTES = 128 * 1024;

/** What later blocks take from earlier ones. */
export interface LiteralState {
  huffman: SymbolTable | undefined;
}

/** The literals of a block. */
export interface Literals {
  readonly bytes: Bytes;
  /** The position behind their section. */
  readonly end: number;
}

/** Reads the literals at the start of a block. @throws {Error} when they are damaged */
export function readLiterals(block: Bytes, state: LiteralState): Literals {
  const first = byteAt(block, 0);
  const kind = first & 3;
  const format = first >> 2 & 3;
  if (kind < COMPRESSED) {
    const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1;
    const size = littleEndian(block, headerBytes) >> (headerBytes === 1 ? 3 : 4);
    const end = headerBytes + (kind === RAW ? size : 1);
    if (end > block.length || size > MAX_BYTES) throw damaged();
    const bytes = kind === RAW
      ? block.subarray(headerBytes, end)
      : new Uint8Array(size).fill(block[headerBytes]!);
    return { bytes, end };
  }
  const headerBytes = format < 2 ? 3 : format + 2;
  const width = format < 2 ? 10 : 6 + 4 * format;
  const sizes = littleEndian(block, headerBytes);
  const size = Math.floor(sizes / 16) % 2 ** width;
  const end = headerBytes + Math.floor(sizes / 2 ** (4 + width));
  if (end > block.length || size > MAX_BYTES) throw damaged();
  let start = headerBytes;
  if (kind === COMPRESSED) {
    const described = readHuffmanTable(block.subarray(0, end), start);
    state.huffman = described.table;
    start = described.end;
  }
  if (state.huffman === undefined) throw damaged();
  const bytes = new Uint8Array(size);
  const coded = block.subarray(start, end);
  if (format === 0) readStream(coded, bytes, state.huffman);
  else readStreams(coded, bytes, state.huffman);
  return { bytes, end };
}

/** Reads four streams, of which a table says where they end. */
function readStreams(coded: Bytes, target: Bytes, table: SymbolTable): void {
  const quarter = (target.length + 3) >> 2;
  let start = 6;
  for (let stream = 0; stream < 4; stream++) {
    const end = stream < 3
      ? start + (byteAt(coded, 2 * stream) | byteAt(coded, 2 * stream + 1) << 8)
      : coded.length;
    if (end > coded.length || start >= end) throw damaged();
    readStream(
      coded.subarray(start, end),
      target.subarray(stream * quarter, stream < 3 ? (stream + 1) * quarter : target.length),
      table,
    );
    start = end;
  }
}

function readStream(coded: Bytes, target: Bytes, { log, symbols, bits }: SymbolTable): void {
  const mask = (1 << log) - 1;
  let position = (coded.length << 3) - 8 + endMark(coded, coded.length) - log;
  for (let index = 0; index < target.length; index++) {
    // Below the first bit, zeros are read.
    const code = (position >= 0 ? bitsAt(coded, position) : bitsAt(coded, 0) << -position) & mask;
    target[index] = symbols[code]!;
    position -= bits[code]!;
    if (position < -log) throw damaged();
  }
  if (position !== -log) throw damaged();
}

function littleEndian(bytes: Bytes, count: number): number {
  let value = 0;
  for (let index = count - 1; index >= 0; index--) value = value * 256 + byteAt(bytes, index);
  return value;
}

function byteAt(bytes: Bytes, position: number): number {
  const byte = bytes[position];
  if (byte === undefined) throw damaged();
  return byte;
}

function damaged(): Error {
  return new Error("it is damaged");
}
