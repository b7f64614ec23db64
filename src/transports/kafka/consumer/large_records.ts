import type { Bytes } from "../../../core/event.ts";
import type { Limits } from "../../../core/transport.ts";

const KIBIBYTE = 1024;

/** A record that takes more waits until there is room for it. */
const LARGE_BYTES = 128 * KIBIBYTE;

/** How much of `maxBufferedBytes` large records may take. Calls and V8 need as much again for them. */
const SHARE = 1 / 2;

/** How much of that is for further records of partitions that hold one already. */
const SHARE_AHEAD = 1 / 4;

/** Room for a large record. */
export interface Held {
  /** Resolves when there is room, or it is released. */
  readonly granted: Promise<void>;
  /** Gives the room back, or stops waiting for it. May be called again. */
  release(): void;
}

/** The room for the large records of one partition. */
export interface LargeRecordRoom {
  /** Asks for room for the next record. */
  hold(bytes: number): Held;
}

const NOTHING: Held = { granted: Promise.resolve(), release() {} };

interface Waiting {
  readonly bytes: number;
  readonly room: { heldBytes: number };
  readonly grant: () => void;
}

/**
 * Bounds what the large records of all partitions take together, until their events have settled. Each partition may
 * hold one of them, as long as there is any room. Only part of the room is for further records of the same partition, so
 * an event that blocks cannot take the room that other partitions need.
 */
export class LargeRecords {
  readonly #maxBytes: number;
  /** In the order in which they asked. A partition asks for one record at a time, so partitions take turns. */
  readonly #waiting = new Set<Waiting>();
  #heldBytes = 0;

  /** A record may take more when it is the only one. */
  constructor({ maxBufferedBytes }: Pick<Limits, "maxBufferedBytes">) {
    this.#maxBytes = maxBufferedBytes * SHARE;
  }

  /** Gives a partition its room. */
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

  /** Keeps the order among those that wait for the same room. Otherwise, small records could keep a larger one waiting for ever. */
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
 * Frees the memory of a record, which nobody may read from then on. V8 would let about 64 MiB of such garbage pile up
 * before it collects any.
 */
export function free(bytes: Bytes | null): void {
  bytes?.buffer.transfer(0);
}
