import type { Bytes } from "../../../../core/event.ts";

/** Collects the output of a decompressor. */
export interface InflatedOutput {
  /** Whether the output should be taken before more is added. */
  readonly isFull: boolean;
  /** Adds a part of `source`. @throws {Error} when `source` ends before `end`, or the output grows too large */
  append(source: Bytes, start: number, end: number): void;
  /**
   * Adds up to `count` bytes from `distance` bytes back; if `count` is larger than `distance`, they repeat. Returns how
   * many it added: all, unless it is full then.
   *
   * @throws {Error} when `distance` reaches too far back, or the output grows too large
   */
  repeat(distance: number, count: number): number;
}
