/**
 * Reads zstd block by block. After fzstd 0.1.1, Copyright (c) 2020 Arjun Barrett, MIT License.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-3
 * @module
 */
import type { Bytes } from "../../../../core/event.ts";
import type { InflatedOutput } from "./inflated_output.ts";
import { type LiteralState, readLiterals } from "./zstd_literals.ts";
import { bitsAt, endMark, readStateTable, singleSymbol, type StateTable } from "./zstd_tables.ts";

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const MAX_BLOCK_BYTES = 128 * 1024;

const RAW = 0;
const REPEATED = 1;
const COMPRESSED = 2;

/** A larger code is that of a distance which nobody keeps. */
const MAX_DISTANCE_CODE = 25;

const LITERAL_LENGTH_BITS = [
  ...new Array(16).fill(0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
];
const MATCH_LENGTH_BITS = [
  ...new Array(32).fill(0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
];
const LITERAL_LENGTHS = baselines(LITERAL_LENGTH_BITS, 0);
const MATCH_LENGTHS = baselines(MATCH_LENGTH_BITS, 3);

/** The tables of a frame that names none, in the order in which they stand: literal lengths, distances, match lengths. */
const DEFAULT_TABLES = [
  stateTable([81, 16, 99, 140, 49, 198, 24, 99, 12, 33, 196, 24, 99, 102, 102, 134, 70, 146, 4], 6),
  stateTable([32, 132, 16, 66, 102, 70, 68, 68, 68, 68, 36, 73, 2], 5),
  stateTable([
    33,
    20,
    196,
    24,
    99,
    140,
    33,
    132,
    16,
    66,
    8,
    33,
    132,
    16,
    66,
    8,
    33,
    68,
    68,
    68,
    68,
    68,
    68,
    68,
    68,
    36,
    9,
  ], 6),
] as const;
const MAX_LOGS = [9, 8, 9] as const;

/** What later blocks of a frame take from earlier ones. */
interface FrameState {
  readonly distances: [number, number, number];
  tables: readonly (StateTable | undefined)[];
  readonly literals: LiteralState;
}

/** How far back a frame says it may refer; Infinity when that is not in its header. Further frames have the same, as one encoder writes them. */
export function windowBytes(bytes: Bytes): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0, true) !== MAGIC) return Infinity;
  const isSingleSegment = (bytes[4]! & 0x20) !== 0;
  if (isSingleSegment) return Infinity;
  const base = 2 ** (10 + (bytes[5]! >> 3));
  return base + base / 8 * (bytes[5]! & 7);
}

/** Decompresses frames into `output`, and stops after each block. Does not look at checksums. */
export function* readZstd(bytes: Bytes, output: InflatedOutput): Generator<void, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = 0; position < bytes.length;) {
    if (bytes.length - position < 5) throw cutOff();
    const magic = view.getUint32(position, true);
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      if (bytes.length - position < 8) throw cutOff();
      position += 8 + view.getUint32(position + 4, true);
      continue;
    }
    if (magic !== MAGIC) throw damaged();
    const flags = view.getUint8(position + 4);
    if (flags & 0x08) throw damaged();
    if (flags & 0x03) throw new Error("it needs a dictionary");
    const isSingleSegment = (flags >> 5) & 1;
    const lengthBytes = flags >> 6 === 0 ? isSingleSegment : 1 << (flags >> 6);
    position += 6 - isSingleSegment + lengthBytes;
    const state: FrameState = {
      distances: [1, 4, 8],
      tables: [],
      literals: { huffman: undefined },
    };
    for (let isLast = false; !isLast;) {
      if (bytes.length - position < 3) throw cutOff();
      const header = bytes[position]! | bytes[position + 1]! << 8 | bytes[position + 2]! << 16;
      position = readBlock(bytes, { position: position + 3, header, state, output });
      isLast = (header & 1) === 1;
      yield;
    }
    if (flags & 0x04) position += 4;
  }
}

/** Returns the position behind the block. */
function readBlock(
  bytes: Bytes,
  { position, header, state, output }: {
    position: number;
    header: number;
    state: FrameState;
    output: InflatedOutput;
  },
): number {
  const kind = header >> 1 & 3;
  const size = header >> 3;
  const end = position + (kind === REPEATED ? 1 : size);
  if (end > bytes.length) throw cutOff();
  if (size > MAX_BLOCK_BYTES) throw damaged();
  if (kind === RAW) {
    output.append(bytes, position, end);
  } else if (kind === REPEATED) {
    if (size === 0) return end;
    output.append(bytes, position, end);
    repeat(output, 1, size - 1);
  } else if (kind === COMPRESSED) {
    // What is read beyond a block is 0, not the next one.
    readCompressedBlock(bytes.subarray(position, end), state, output);
  } else {
    throw damaged();
  }
  return end;
}

function readCompressedBlock(block: Bytes, state: FrameState, output: InflatedOutput): void {
  const { bytes: literals, end } = readLiterals(block, state.literals);
  let position = end;
  let count = byteAt(block, position++);
  if (count === 0) return output.append(literals, 0, literals.length);
  if (count === 255) {
    count = (byteAt(block, position) | byteAt(block, position + 1) << 8) + 0x7f00;
    position += 2;
  } else if (count > 127) {
    count = (count - 128) << 8 | byteAt(block, position++);
  }
  const modes = byteAt(block, position++);
  if (modes & 3) throw damaged();
  const tables: StateTable[] = [];
  for (const index of [0, 1, 2] as const) {
    const mode = modes >> (6 - 2 * index) & 3;
    if (mode === 2) {
      const described = readStateTable(block, position, MAX_LOGS[index]);
      position = described.end;
      tables.push(described.table);
      continue;
    }
    const table = mode === 0
      ? DEFAULT_TABLES[index]
      : mode === 1
      ? singleSymbol(byteAt(block, position++))
      : state.tables[index];
    if (table === undefined) throw damaged();
    tables.push(table);
  }
  state.tables = tables;
  readSequences(block, { start: position, count, literals, tables, state, output });
}

/** Some literals, then something again that came before, as often as `count` says; and the literals that are left. */
function readSequences(
  block: Bytes,
  { start, count, literals, tables, state: { distances }, output }: {
    start: number;
    count: number;
    literals: Bytes;
    tables: readonly StateTable[];
    state: FrameState;
    output: InflatedOutput;
  },
): void {
  const [literalTable, distanceTable, matchTable] = tables as [StateTable, StateTable, StateTable];
  const lowest = start << 3;
  let position = (block.length << 3) - 8 + endMark(block, block.length);
  const take = (width: number): number => {
    position -= width;
    if (position < lowest) throw damaged();
    return bitsAt(block, position) & ((1 << width) - 1);
  };
  let literalState = take(literalTable.log);
  let distanceState = take(distanceTable.log);
  let matchState = take(matchTable.log);
  let literalStart = 0;
  let written = 0;
  for (let left = count; left > 0; left--) {
    const distanceCode = distanceTable.symbols[distanceState]!;
    const literalCode = literalTable.symbols[literalState]!;
    const matchCode = matchTable.symbols[matchState]!;
    const literalBits = LITERAL_LENGTH_BITS[literalCode];
    const matchBits = MATCH_LENGTH_BITS[matchCode];
    if (literalBits === undefined || matchBits === undefined) throw damaged();
    if (distanceCode > MAX_DISTANCE_CODE) throw output.tooFarBack();
    const distanceValue = (1 << distanceCode) + take(distanceCode);
    const matchLength = MATCH_LENGTHS[matchCode]! + take(matchBits);
    const literalLength = LITERAL_LENGTHS[literalCode]! + take(literalBits);
    if (left > 1) {
      literalState = literalTable.next[literalState]! + take(literalTable.bits[literalState]!);
      matchState = matchTable.next[matchState]! + take(matchTable.bits[matchState]!);
      distanceState = distanceTable.next[distanceState]! + take(distanceTable.bits[distanceState]!);
    }
    const distance = distanceOf(distanceValue, literalLength, distances);
    const literalEnd = literalStart + literalLength;
    written += literalLength + matchLength;
    if (literalEnd > literals.length || written > MAX_BLOCK_BYTES) throw damaged();
    output.append(literals, literalStart, literalEnd);
    literalStart = literalEnd;
    repeat(output, distance, matchLength);
  }
  if (position !== lowest) throw damaged();
  output.append(literals, literalStart, literals.length);
}

/** Small values stand for the last three distances. */
function distanceOf(
  value: number,
  literalLength: number,
  distances: [number, number, number],
): number {
  if (value > 3) {
    distances[2] = distances[1];
    distances[1] = distances[0];
    return distances[0] = value - 3;
  }
  const index = literalLength === 0 ? value : value - 1;
  if (index === 0) return distances[0];
  const distance = index === 3 ? distances[0] - 1 : distances[index]!;
  if (index > 1) distances[2] = distances[1];
  distances[1] = distances[0];
  return distances[0] = distance;
}

function repeat(output: InflatedOutput, distance: number, count: number): void {
  for (let left = count; left > 0;) left -= output.repeat(distance, left);
}

function baselines(bits: readonly number[], start: number): readonly number[] {
  let next = start;
  return bits.map((width) => {
    const baseline = next;
    next += 1 << width;
    return baseline;
  });
}

function stateTable(described: readonly number[], maxLog: number): StateTable {
  // Zeros at its end are left out.
  return readStateTable(Uint8Array.of(...described, 0, 0), 0, maxLog).table;
}

function byteAt(bytes: Bytes, position: number): number {
  const byte = bytes[position];
  if (byte === undefined) throw damaged();
  return byte;
}

function cutOff(): Error {
  return new Error("it is cut off");
}

function damaged(): Error {
  return new Error("it is damaged");
}
