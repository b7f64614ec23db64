import { assert } from "@std/assert";
import type { Bytes } from "../../../../../src/core/event.ts";
import {
  codecOf,
  decompress,
} from "../../../../../src/transports/kafka/records/compression/codecs.ts";
import { seededRandom } from "../../../../support/seeded_random.ts";

/** A text that can be compressed well. */
export const TEXT: string = Array.from(
  { length: 40 },
  (_, number) => `line ${number} of a text that says line after line\n`,
).join("");

const LIMIT = 100_000;
const DAMAGES = 2000;

/** Decompresses at once. */
export type Decompress = (bytes: Bytes, maxLength: number) => Promise<Bytes>;

/** @param type of compression: its number in the attributes of a batch */
export function decompressOf(type: number): Decompress {
  return (bytes, maxLength) => decompress(codecOf(type)!, bytes, maxLength);
}

/** Decompresses bytes that were changed or cut off: whatever comes of it comes soon and is within the limit. */
export async function survivesDamage(compressed: Bytes, decompress: Decompress): Promise<void> {
  const random = seededRandom(1);
  const below = (limit: number) => Math.floor(random() * limit);
  for (let count = 0; count < DAMAGES; count++) {
    const damaged = compressed.slice(0, below(compressed.length + 1));
    for (let changes = below(4); changes > 0; changes--) {
      damaged[below(damaged.length)] = below(256);
    }
    try {
      assert((await decompress(damaged, LIMIT)).length <= LIMIT);
    } catch (error) {
      assert(error instanceof Error && error.name !== "AssertionError", `${error}`);
    }
  }
}
