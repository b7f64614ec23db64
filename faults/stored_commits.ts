import { Buffer } from "node:buffer";
import type { Commit } from "./history.ts";
import { recordsOf } from "./stored_records.ts";

/** Where the coordinators of groups store what is committed. */
const OFFSETS_TOPIC = "__consumer_offsets";

/** Records with keys of other versions are about groups, not about offsets. */
const MAX_VERSION_OF_OFFSETS = 1;

/**
 * Reads all that a group has committed of a topic, in that order: the coordinator of a group stores each commit, and a
 * time that is not before its arrival.
 *
 * @see Kafka's OffsetCommitKey.json and OffsetCommitValue.json
 */
export async function readCommits(
  broker: string,
  { group, topic }: { group: string; topic: string },
): Promise<Commit[]> {
  const commits: Commit[] = [];
  for await (const { atMs, key, value } of recordsOf(broker, OFFSETS_TOPIC)) {
    if (key === null || value === null) continue;
    const place = placeIn(Buffer.from(key, "latin1"));
    if (place?.group !== group || place.topic !== topic) continue;
    // In all versions the offset comes first, behind that of the version.
    const offset = Number(Buffer.from(value, "latin1").readBigInt64BE(2));
    // kafkajs notes there when it goes to the beginning or to the end: that no position counts any more.
    if (offset >= 0) commits.push({ partition: place.partition, offset, atMs });
  }
  return commits;
}

function placeIn(key: Buffer): { group: string; topic: string; partition: number } | null {
  if (key.readInt16BE(0) > MAX_VERSION_OF_OFFSETS) return null;
  const [group, topicStart] = textAt(key, 2);
  const [topic, partitionStart] = textAt(key, topicStart);
  return { group, topic, partition: key.readInt32BE(partitionStart) };
}

/** A text with its length in front, and where it ends. */
function textAt(bytes: Buffer, start: number): [string, number] {
  const textStart = start + 2;
  const end = textStart + bytes.readInt16BE(start);
  return [bytes.toString("utf8", textStart, end), end];
}
