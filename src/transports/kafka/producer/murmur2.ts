import type { Bytes } from "../../../core/event.ts";

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/**
 * The partition of a key among `count`, as Java's client and librdkafka's `murmur2_random` choose it. kafkajs's own
 * function does the same but takes fifty times as long, as it computes with BigInts.
 */
export function partitionOfKey(key: Bytes, count: number): number {
  return (murmur2(key) & 0x7fffffff) % count;
}

function murmur2(bytes: Bytes): number {
  const tail = bytes.length & ~3;
  let hash = SEED ^ bytes.length;
  for (let position = 0; position < tail; position += 4) {
    hash = Math.imul(hash, MULTIPLIER) ^ mixed(wordAt(bytes, position));
  }
  if (tail < bytes.length) hash = Math.imul(hash ^ wordAt(bytes, tail), MULTIPLIER);
  hash = Math.imul(hash ^ hash >>> 13, MULTIPLIER);
  return hash ^ hash >>> 15;
}

function mixed(word: number): number {
  const product = Math.imul(word, MULTIPLIER);
  return Math.imul(product ^ product >>> 24, MULTIPLIER);
}

/** Four bytes in little-endian order; bytes beyond the end are 0. */
function wordAt(bytes: Bytes, position: number): number {
  return (bytes[position] ?? 0) | (bytes[position + 1] ?? 0) << 8 |
    (bytes[position + 2] ?? 0) << 16 | (bytes[position + 3] ?? 0) << 24;
}
