import type { Bytes } from "../../../../core/event.ts";

/** Takes what comes out of a decompressor. */
export interface InflatedOutput {
  /** Whether what has come should be taken away before more comes. */
  readonly isFull: boolean;
  /** Takes a part of `source`. @throws {Error} when it does not reach so far, or too much has come */
  append(source: Bytes, start: number, end: number): void;
  /**
   * Takes up to `count` bytes again that came `distance` before; when there are fewer, they are repeated. Returns how
   * many it has taken: all, unless it is full then.
   *
   * @throws {Error} when nothing came so far before, or too much has come
   */
  repeat(distance: number, count: number): number;
}
