/**
 * Byte positions of the fields of a record batch, in the format that brokers write since 0.11. `length` counts the
 * bytes after itself, and `checksum` covers those after itself.
 *
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
export const BATCH_FIELDS = {
  baseOffset: 0,
  length: 8,
  lengthEnd: 12,
  leaderEpoch: 12,
  magic: 16,
  checksum: 17,
  checksumEnd: 21,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
};

/** The format's number in the field `magic`; lower ones are formats of single messages. */
export const BATCH_MAGIC = 2;

/** Bits of the attributes; the lowest three are the compression type. */
export const BATCH_ATTRIBUTES = {
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
};
