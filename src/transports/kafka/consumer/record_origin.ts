import type { EventOrigin, OriginFact } from "../../../core/event.ts";

const MAX_PARTITION = 2 ** 31 - 1;

/** The end of an id: partition, offset and timestamp. A producer may set any timestamp. */
const PLACE = /^(0|[1-9]\d{0,9})-(0|[1-9]\d{0,15})-(0|-?[1-9]\d{0,18})$/;

/** Position of a record in a topic. Offsets are exact up to 2^53. */
export class RecordOrigin implements EventOrigin {
  /** Names of the facts. */
  static readonly facts = ["topic", "partition", "offset"];

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly offset: number,
    /** Tells the record apart from one at the same position of a re-created topic. */
    readonly timestampMs: number,
  ) {}

  get id(): string {
    return `${this.topic}-${this.partition}-${this.offset}-${this.timestampMs}`;
  }

  get orderGroup(): string {
    return `${this.partition}`;
  }

  facts(): readonly OriginFact[] {
    return [
      ["topic", this.topic],
      ["partition", `${this.partition}`],
      ["offset", `${this.offset}`],
    ];
  }

  canFollow(id: string): boolean {
    const start = `${this.topic}-`;
    const [, partition, offset] = id.startsWith(start)
      ? PLACE.exec(id.slice(start.length)) ?? []
      : [];
    return partition !== undefined && this.#isAfter(Number(partition), Number(offset));
  }

  /** The pipeline may have read another topic then. */
  canFollowFacts(facts: ReadonlyMap<string, string>): boolean {
    const topic = facts.get("topic") ?? "";
    const partition = count(facts.get("partition"));
    const offset = count(facts.get("offset"));
    if (!/^[\x21-\x7e]+$/.test(topic)) return false;
    if (!(partition <= MAX_PARTITION && offset <= Number.MAX_SAFE_INTEGER)) return false;
    return topic !== this.topic || this.#isAfter(partition, offset);
  }

  /** Offsets of another partition show no order: an event goes there when its own partition is gone. */
  #isAfter(partition: number, offset: number): boolean {
    return partition !== this.partition || offset < this.offset;
  }

  toString(): string {
    return `${this.topic}[${this.partition}]@${this.offset}`;
  }
}

/** NaN for any other text. */
function count(text: string | undefined): number {
  return text !== undefined && /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : NaN;
}
