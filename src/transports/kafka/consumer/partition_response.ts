import { isRefusal } from "../client/client_failure.ts";
import { createErrorFromCode } from "../kafkajs/protocol.ts";
import { transientReason } from "../client/transient_errors.ts";
import type { PartitionProblem } from "../client/partition_problems.ts";
import type { PartitionResponse } from "../kafkajs/types.ts";
import type { FetchedRecords } from "../records/record_batch.ts";

const NO_ERROR = 0;
const OFFSET_OUT_OF_RANGE = 1;

/** `preferredReadReplica` when the requested broker is the best one (KIP-392). */
export const NO_REPLICA = -1;

/** The isolation level that includes records of open transactions. */
const READ_UNCOMMITTED = 0;

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
  readonly trouble: PartitionProblem | null;
}

/** Whether the requested offset is out of range: no record is there, and none will come. */
export function isOutOfRange({ errorCode }: PartitionResponse): boolean {
  return errorCode === OFFSET_OUT_OF_RANGE;
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
  { fetchedOffset: offset, isolationLevel, isAlone }: {
    readonly fetchedOffset: number;
    readonly isolationLevel: number;
    readonly isAlone: boolean;
  },
): ResponseContent {
  const stopped = (reason: string, isTransient: boolean) => {
    return { fetched: null, trouble: { offset, reason, isTransient } };
  };
  const { errorCode, unreadable, preferredReadReplica = NO_REPLICA } = response;
  if (isOutOfRange(response)) return stopped("the broker has no record there", true);
  if (errorCode !== NO_ERROR) {
    const error = createErrorFromCode(errorCode);
    if (isRefusal(error)) throw error;
    const plain = transientReason(error);
    return stopped(plain ?? `its broker reports: ${error.message}`, plain !== null);
  }
  const fetched = fetchedOf(response, offset);
  if (unreadable) {
    const { offset: unreadableOffset = fetched?.nextOffset ?? offset, reason } = unreadable;
    return { fetched, trouble: { offset: unreadableOffset, reason, isTransient: false } };
  }
  if (fetched !== null) {
    return fetched.nextOffset === offset
      ? stopped("its broker sends only records before that offset", false)
      : { fetched, trouble: null };
  }
  if (preferredReadReplica !== NO_REPLICA) {
    // Passes once the named broker answers, if it exists.
    const named = `broker ${preferredReadReplica} to fetch from`;
    return stopped(`its broker sends nothing, and names ${named}`, true);
  }
  const { highWatermark, lastStableOffset } = response;
  const end = Number(isolationLevel === READ_UNCOMMITTED ? highWatermark : lastStableOffset);
  // A broker with records sends at least one batch, unless other partitions fill the response.
  return isAlone && end > offset
    ? stopped(`its broker has records up to offset ${end} and sends none`, true)
    : { fetched: null, trouble: null };
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
