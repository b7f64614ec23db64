import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
import { isRefusal } from "../client/client_failure.ts";
import { passingReason } from "../passing_errors.ts";
import type { Trouble } from "../partition_troubles.ts";
import type { FetchedRecords } from "./record_batch.ts";

const NO_ERROR = 0;
const OFFSET_OUT_OF_RANGE = 1;

/** No broker is better to fetch from than the one that was asked (KIP-392). */
export const NO_REPLICA = -1;

/** The isolation level of a fetch that gets records of transactions before these have ended. */
const READ_UNCOMMITTED = 0;

/** What a broker answers for one partition. */
export interface PartitionAnswer {
  readonly partition: number;
  readonly errorCode: number;
  /** The offset behind the last record that consumers may have. */
  readonly highWatermark: string;
  /** The same for those that do not get records of transactions that have not ended. */
  readonly lastStableOffset: string;
  /** The broker to fetch from instead. */
  readonly preferredReadReplica?: number;
  readonly messages: readonly (FetchedRecords & { readonly isControlRecord: boolean })[];
  /** What cannot be read of the answer, behind the messages. */
  readonly unreadable?: Unreadable | null;
}

/** Records that came and cannot be read. */
export interface Unreadable {
  /** From where on, where that is known; otherwise from where the next fetch begins. */
  readonly offset?: number | undefined;
  /** Completes "cannot read orders[3]@17: "; holds no payload. */
  readonly reason: string;
}

/** What was fetched of one partition. */
export interface FetchedPartition {
  readonly partition: number;
  /** From where it was fetched. */
  readonly fetchedOffset: number;
  /** Where the next fetch begins: below it, what is not among the records is no event. */
  readonly nextOffset: number;
  readonly records: readonly FetchedRecords[];
}

/** What an answer brings, and what keeps the partition from being read further. */
export interface AnswerContent {
  readonly fetched: FetchedPartition | null;
  readonly trouble: Trouble | null;
  /** Whether there is no record at the offset that was asked for, and none is to come there. */
  readonly isOutOfRange: boolean;
}

/**
 * What an answer means for its partition.
 *
 * @param asked.isAlone whether nothing else in the response explains that it brings no records: those of other
 *   partitions may have taken all its room, and errors of others make a broker answer at once
 * @throws {Error} when the pipeline is not allowed to read the topic: that is no matter of one partition
 * @see https://kafka.apache.org/protocol#protocol_error_codes
 */
export function contentOf(
  answer: PartitionAnswer,
  asked: {
    readonly fetchedOffset: number;
    readonly isolationLevel: number;
    readonly isAlone: boolean;
  },
): AnswerContent {
  const { errorCode, unreadable } = answer;
  const { fetchedOffset } = asked;
  if (errorCode === OFFSET_OUT_OF_RANGE) {
    const reason = "the broker has no record there";
    return {
      fetched: null,
      trouble: { offset: fetchedOffset, reason, isPassing: true },
      isOutOfRange: true,
    };
  }
  const error = errorCode === NO_ERROR ? null : errorTrouble(errorCode, fetchedOffset);
  if (error !== null) return { fetched: null, trouble: error, isOutOfRange: false };
  const fetched = fetchedOf(answer, fetchedOffset);
  const nextOffset = fetched?.nextOffset ?? fetchedOffset;
  if (unreadable) {
    const { offset = nextOffset, reason } = unreadable;
    return { fetched, trouble: { offset, reason, isPassing: false }, isOutOfRange: false };
  }
  const trouble = fetched === null
    ? redirection(answer, asked) ?? standstill(answer, asked)
    : nextOffset === fetchedOffset
    ? troubleAt(fetchedOffset, "its broker sends only what comes before that offset", false)
    : null;
  return { fetched: trouble === null ? fetched : null, trouble, isOutOfRange: false };
}

/** It passes as soon as the other broker answers, if that is one. */
function redirection(
  { preferredReadReplica = NO_REPLICA }: PartitionAnswer,
  { fetchedOffset }: Parameters<typeof contentOf>[1],
): Trouble | null {
  if (preferredReadReplica === NO_REPLICA) return null;
  const reason = `its broker sends nothing, and names broker ${preferredReadReplica} to fetch from`;
  return troubleAt(fetchedOffset, reason, true);
}

/** A broker that has records hands out at least one batch, unless those of other partitions take all the room. */
function standstill(
  { highWatermark, lastStableOffset }: PartitionAnswer,
  { fetchedOffset, isolationLevel, isAlone }: Parameters<typeof contentOf>[1],
): Trouble | null {
  const end = Number(isolationLevel === READ_UNCOMMITTED ? highWatermark : lastStableOffset);
  if (!isAlone || end <= fetchedOffset) return null;
  return troubleAt(
    fetchedOffset,
    `its broker has records up to offset ${end} and sends none`,
    true,
  );
}

function errorTrouble(errorCode: number, offset: number): Trouble {
  const error = createErrorFromCode(errorCode);
  if (isRefusal(error)) throw error;
  const plain = passingReason(error);
  return troubleAt(offset, plain ?? `its broker answers: ${error.message}`, plain !== null);
}

function troubleAt(offset: number, reason: string, isPassing: boolean): Trouble {
  return { offset, reason, isPassing };
}

function fetchedOf(
  { partition, messages }: PartitionAnswer,
  fetchedOffset: number,
): FetchedPartition | null {
  const last = messages.at(-1);
  if (last === undefined) return null;
  return {
    partition,
    fetchedOffset,
    // A broker sends whole batches: the first can begin before, and the last must not end there.
    nextOffset: Math.max(last.lastOffset + 1, fetchedOffset),
    records: messages.filter(({ isControlRecord }) => !isControlRecord),
  };
}
