import { isRefusal } from "../client/client_failure.ts";
import { createErrorFromCode } from "../kafkajs/protocol.ts";
import { transientReason } from "../client/transient_errors.ts";
import type { Trouble } from "../client/partition_troubles.ts";
import type { Unreadable } from "../records/fetched_batches.ts";
import type { FetchedBatch, FetchedRecords } from "../records/record_batch.ts";

const NO_ERROR = 0;
const OFFSET_OUT_OF_RANGE = 1;

/** `preferredReadReplica` when the requested broker is the best one (KIP-392). */
export const NO_REPLICA = -1;

/** The isolation level that includes records of open transactions. */
const READ_UNCOMMITTED = 0;

/** A fetch response for one partition. */
export interface PartitionResponse {
  readonly partition: number;
  readonly errorCode: number;
  /** The offset after the last record that consumers may read. */
  readonly highWatermark: string;
  /** The same for `read_committed`: records from the first open transaction on are held back. */
  readonly lastStableOffset: string;
  /** Id of the broker to fetch from instead (KIP-392). */
  readonly preferredReadReplica?: number;
  readonly messages: readonly FetchedBatch[];
  /** Data after `messages` that cannot be read. */
  readonly unreadable?: Unreadable | null;
}

/** Records fetched from one partition. */
export interface FetchedPartition {
  readonly partition: number;
  /** The requested offset. */
  readonly fetchedOffset: number;
  /** Where the next fetch begins. Offsets below it that `records` lacks hold no event. */
  readonly nextOffset: number;
  readonly records: readonly FetchedRecords[];
}

/** Records of a response, and the trouble that stops the partition. */
export interface ResponseContent {
  readonly fetched: FetchedPartition | null;
  readonly trouble: Trouble | null;
  /** Whether the requested offset is out of range: no record is there, and none will come. */
  readonly isOutOfRange: boolean;
}

/**
 * Interprets a response for its partition.
 *
 * @param asked.isAlone whether nothing else in the response explains a lack of records: those of other partitions may
 *   have filled it, and errors of others make a broker answer at once
 * @throws {Error} when access to the topic is refused, which concerns the whole pipeline
 * @see https://kafka.apache.org/protocol#protocol_error_codes
 */
export function contentOf(
  response: PartitionResponse,
  asked: {
    readonly fetchedOffset: number;
    readonly isolationLevel: number;
    readonly isAlone: boolean;
  },
): ResponseContent {
  const { errorCode, unreadable } = response;
  const { fetchedOffset } = asked;
  if (errorCode === OFFSET_OUT_OF_RANGE) {
    const reason = "the broker has no record there";
    return {
      fetched: null,
      trouble: { offset: fetchedOffset, reason, isTransient: true },
      isOutOfRange: true,
    };
  }
  const error = errorCode === NO_ERROR ? null : errorTrouble(errorCode, fetchedOffset);
  if (error !== null) return { fetched: null, trouble: error, isOutOfRange: false };
  const fetched = fetchedOf(response, fetchedOffset);
  const nextOffset = fetched?.nextOffset ?? fetchedOffset;
  if (unreadable) {
    const { offset = nextOffset, reason } = unreadable;
    return { fetched, trouble: { offset, reason, isTransient: false }, isOutOfRange: false };
  }
  const trouble = fetched === null
    ? redirection(response, asked) ?? standstill(response, asked)
    : nextOffset === fetchedOffset
    ? troubleAt(fetchedOffset, "its broker sends only records before that offset", false)
    : null;
  return { fetched: trouble === null ? fetched : null, trouble, isOutOfRange: false };
}

/** Passes once the named broker answers, if it exists. */
function redirection(
  { preferredReadReplica = NO_REPLICA }: PartitionResponse,
  { fetchedOffset }: Parameters<typeof contentOf>[1],
): Trouble | null {
  if (preferredReadReplica === NO_REPLICA) return null;
  const reason = `its broker sends nothing, and names broker ${preferredReadReplica} to fetch from`;
  return troubleAt(fetchedOffset, reason, true);
}

/** A broker with records sends at least one batch, unless other partitions fill the response. */
function standstill(
  { highWatermark, lastStableOffset }: PartitionResponse,
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
  const plain = transientReason(error);
  return troubleAt(offset, plain ?? `its broker reports: ${error.message}`, plain !== null);
}

function troubleAt(offset: number, reason: string, isTransient: boolean): Trouble {
  return { offset, reason, isTransient };
}

function fetchedOf(
  { partition, messages }: PartitionResponse,
  fetchedOffset: number,
): FetchedPartition | null {
  const last = messages.at(-1);
  if (last === undefined) return null;
  return {
    partition,
    fetchedOffset,
    // Brokers send whole batches: the first may begin below the requested offset, but the last must not end there.
    nextOffset: Math.max(last.lastOffset + 1, fetchedOffset),
    records: messages.filter(({ isSkipped }) => !isSkipped),
  };
}
