import type { Bytes } from "../../../core/event.ts";
import type { Limits } from "../../../core/transport.ts";

const KIBIBYTE = 1024;

/** Larger records wait until there is buffer space. */
const LARGE_BYTES = 128 * KIBIBYTE;

/** Share of `maxBufferedBytes` for large records. Calls and V8 need as much again for them. */
const SHARE = 1 / 2;

/** Share of that for further records of partitions that already hold one. */
const SHARE_AHEAD = 1 / 4;

/** Buffer space for a large record, granted or requested. */
export interface Held {
  /** Resolves when the space is granted, or after `release()`. */
  readonly granted: Promise<void>;
  /** Returns the space, or withdraws the request. Idempotent. */
  release(): void;
}

/** Buffer space for the large records of one partition. */
export interface LargeRecordRoom {
  /** Requests space for the next record. */
  hold(bytes: number): Held;
}

const NOTHING: Held = { granted: Promise.resolve(), release() {} };

interface Waiting {
  readonly bytes: number;
  readonly room: { heldBytes: number };
  readonly grant: () => void;
}

/**
 * Bounds the memory of all partitions' large records until their events have settled. Each partition may hold one while
 * any space is left. Further ones share a part of the space, so an event that blocks leaves some for other partitions.
 */
export class LargeRecords {
  readonly #maxBytes: number;
  /** In request order. A partition requests space for one record at a time, so partitions take turns. */
  readonly #waiting = new Set<Waiting>();
  #heldBytes = 0;

  /** A record above the limit is granted when it is the only one. */
  constructor({ maxBufferedBytes }: Pick<Limits, "maxBufferedBytes">) {
    this.#maxBytes = maxBufferedBytes * SHARE;
  }

  /** Creates the space of one partition. */
  room(): LargeRecordRoom {
    const room = { heldBytes: 0 };
    return { hold: (bytes) => bytes <= LARGE_BYTES ? NOTHING : this.#hold(bytes, room) };
  }

  #hold(bytes: number, room: { heldBytes: number }): Held {
    const { promise: granted, resolve: grant } = Promise.withResolvers<void>();
    const waiting = { bytes, room, grant };
    this.#waiting.add(waiting);
    this.#grant();
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      if (!this.#waiting.delete(waiting)) {
        room.heldBytes -= bytes;
        this.#heldBytes -= bytes;
      }
      grant();
      this.#grant();
    };
    return { granted, release };
  }

  /** Grants in request order within each share. Otherwise, small records could starve a larger one. */
  #grant(): void {
    let fullBytes = 0;
    for (const waiting of this.#waiting) {
      const { bytes, room } = waiting;
      const maxBytes = room.heldBytes === 0 ? this.#maxBytes : this.#maxBytes * SHARE_AHEAD;
      if (maxBytes <= fullBytes) continue;
      if (this.#heldBytes > 0 && this.#heldBytes + bytes > maxBytes) {
        fullBytes = maxBytes;
        continue;
      }
      this.#waiting.delete(waiting);
      room.heldBytes += bytes;
      this.#heldBytes += bytes;
      waiting.grant();
    }
  }
}

/**
 * Frees the memory of a record, which must not be read afterwards. V8 would let about 64 MiB of such garbage pile up
 * before it collects any.
 */
export function free(bytes: Bytes | null): void {
  bytes?.buffer.transfer(0);
}
