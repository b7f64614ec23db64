/**
 * The tables by which zstd's symbols are read. After fzstd 0.1.1, Copyright (c) 2020 Arjun Barrett, MIT License.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-4
 * @module
 */
import type { Bytes } from "../../../../core/event.ts";

const MAX_SYMBOL = 255;
const MAX_WEIGHT = 11;
const WEIGHTS_LOG = 6;

/** What each state of a finite state entropy decoder means; or each code of a Huffman decoder, which has no `next`. */
export interface SymbolTable {
  /** How many bits of input a state takes. */
  readonly log: number;
  readonly symbols: Uint8Array;
  /** How many bits lead on from each state. */
  readonly bits: Uint8Array;
}

/** A table of finite state entropy. */
export interface StateTable extends SymbolTable {
  /** To be added to these bits for the next state. */
  readonly next: Uint16Array;
}

/** A table and the position behind its description. */
export interface Described<Table> {
  readonly table: Table;
  readonly end: number;
}

/** A table of one symbol, which takes no bits. */
export function singleSymbol(symbol: number): StateTable {
  return {
    log: 0,
    symbols: Uint8Array.of(symbol),
    bits: new Uint8Array(1),
    next: new Uint16Array(1),
  };
}

/** Reads the description of a table of finite state entropy. @throws {Error} when it is damaged */
export function readStateTable(
  bytes: Bytes,
  start: number,
  maxLog: number,
): Described<StateTable> {
  const log = (at(bytes, start) & 15) + 5;
  if (log > maxLog) throw damaged();
  const size = 1 << log;
  const frequencies = new Int16Array(MAX_SYMBOL + 1);
  const symbols = new Uint8Array(size);
  let position = (start << 3) + 4;
  let left = size;
  let symbol = -1;
  let highThreshold = size;
  while (symbol < MAX_SYMBOL && left > 0) {
    const width = highestBit(left + 1);
    const mask = (1 << (width + 1)) - 1;
    const smallMask = (1 << width) - 1;
    const maxSmall = mask - left - 1;
    const value = bitsAt(bytes, position) & mask;
    let probability = value & smallMask;
    if (probability < maxSmall) {
      position += width;
    } else {
      position += width + 1;
      probability = value > smallMask ? value - maxSmall : value;
    }
    frequencies[++symbol] = --probability;
    if (probability === -1) {
      left--;
      symbols[--highThreshold] = symbol;
    } else {
      left -= probability;
    }
    if (probability !== 0) continue;
    let zeros: number;
    do {
      zeros = bitsAt(bytes, position) & 3;
      position += 2;
      symbol += zeros;
    } while (zeros === 3 && symbol < MAX_SYMBOL);
  }
  if (symbol > MAX_SYMBOL || left !== 0 || position > bytes.length << 3) throw damaged();
  spread({ symbols, frequencies, lastSymbol: symbol, highThreshold });
  return {
    table: { log, symbols, ...transitions(symbols, frequencies, log) },
    end: (position + 7) >> 3,
  };
}

function spread(
  { symbols, frequencies, lastSymbol, highThreshold }: {
    symbols: Uint8Array;
    frequencies: Int16Array;
    lastSymbol: number;
    highThreshold: number;
  },
): void {
  const size = symbols.length;
  const step = (size >> 1) + (size >> 3) + 3;
  const mask = size - 1;
  let position = 0;
  for (let symbol = 0; symbol <= lastSymbol; symbol++) {
    for (let count = frequencies[symbol]!; count > 0; count--) {
      symbols[position] = symbol;
      do position = (position + step) & mask; while (position >= highThreshold);
    }
  }
  if (position !== 0) throw damaged();
}

function transitions(
  symbols: Uint8Array,
  frequencies: Int16Array,
  log: number,
): Pick<StateTable, "bits" | "next"> {
  const size = symbols.length;
  const bits = new Uint8Array(size);
  const next = new Uint16Array(size);
  const counts = Uint16Array.from(frequencies, Math.abs);
  for (let state = 0; state < size; state++) {
    const count = counts[symbols[state]!]!++;
    const width = log - highestBit(count);
    bits[state] = width;
    next[state] = (count << width) - size;
  }
  return { bits, next };
}

/** Reads the description of a Huffman table. @throws {Error} when it is damaged */
export function readHuffmanTable(bytes: Bytes, start: number): Described<SymbolTable> {
  const header = at(bytes, start);
  const weights = new Uint8Array(MAX_SYMBOL + 1);
  let end: number;
  let count: number;
  if (header < 128) {
    end = start + 1 + header;
    count = readWeights(bytes, { start: start + 1, end, weights });
  } else {
    count = header - 127;
    end = start + 1 + ((count + 1) >> 1);
    for (let index = 0; index < count; index++) {
      const pair = at(bytes, start + 1 + (index >> 1));
      weights[index] = index % 2 === 0 ? pair >> 4 : pair & 15;
    }
  }
  return { table: huffmanTable(weights, count), end };
}

function readWeights(
  bytes: Bytes,
  { start, end, weights }: { start: number; end: number; weights: Uint8Array },
): number {
  const { table: { log, symbols, bits, next }, end: firstByte } = readStateTable(
    bytes,
    start,
    WEIGHTS_LOG,
  );
  const lowest = firstByte << 3;
  let position = (end << 3) - 8 + endMark(bytes, end);
  const states = [0, 0];
  const widths = [log, log];
  let count = 0;
  for (let turn = 0;; turn ^= 1) {
    position -= widths[turn]!;
    if (position < lowest) break;
    const state = states[turn]! + (bitsAt(bytes, position) & ((1 << widths[turn]!) - 1));
    if (state >= symbols.length || count > MAX_SYMBOL - 1) throw damaged();
    weights[count++] = symbols[state]!;
    widths[turn] = bits[state]!;
    states[turn] = next[state]!;
  }
  return count;
}

function huffmanTable(weights: Uint8Array, count: number): SymbolTable {
  let sum = 0;
  for (let symbol = 0; symbol < count; symbol++) {
    const weight = weights[symbol]!;
    if (weight > MAX_WEIGHT) throw damaged();
    if (weight > 0) sum += 1 << (weight - 1);
  }
  const log = highestBit(sum) + 1;
  const rest = (1 << log) - sum;
  // The last symbol has the weight that is left, which must be a power of two.
  if (sum === 0 || log > MAX_WEIGHT || count > MAX_SYMBOL || (rest & (rest - 1)) !== 0) {
    throw damaged();
  }
  weights[count] = highestBit(rest) + 1;
  const symbols = new Uint8Array(1 << log);
  const bits = new Uint8Array(1 << log);
  let code = 0;
  for (let weight = 1; weight <= log; weight++) {
    const width = log + 1 - weight;
    for (let symbol = 0; symbol <= count; symbol++) {
      if (weights[symbol] !== weight) continue;
      const end = code + (1 << (weight - 1));
      symbols.fill(symbol, code, end);
      bits.fill(width, code, end);
      code = end;
    }
  }
  if (code !== 1 << log) throw damaged();
  return { log, symbols, bits };
}

/** How many bits stand below the mark in the last byte before `end`: bits are read from there downwards. */
export function endMark(bytes: Bytes, end: number): number {
  const last = at(bytes, end - 1);
  if (last === 0) throw damaged();
  return highestBit(last);
}

/** 25 bits at least from `position` on, counted in bits; 0 stands for those that are not there. */
export function bitsAt(bytes: Bytes, position: number): number {
  const byte = position >> 3;
  return ((bytes[byte] ?? 0) | (bytes[byte + 1] ?? 0) << 8 | (bytes[byte + 2] ?? 0) << 16 |
    (bytes[byte + 3] ?? 0) << 24) >>> (position & 7);
}

/** The number of the highest bit that is set in a number above 0. */
export function highestBit(value: number): number {
  return 31 - Math.clz32(value);
}

function at(bytes: Bytes, position: number): number {
  const byte = bytes[position];
  if (byte === undefined) throw damaged();
  return byte;
}

function damaged(): Error {
  return new Error("it is damaged");
}
