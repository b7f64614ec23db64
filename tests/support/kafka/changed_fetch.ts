import { Buffer } from "node:buffer";

/** What a broker answers for one partition, from its number to its records. */
export interface PartitionPart {
  partition: number;
  records: Buffer;
}

/** The body of a fetch response of version 11, with each partition as `change` has it. */
export function changedFetch(
  response: Buffer,
  change: (part: PartitionPart) => void,
): Uint8Array<ArrayBuffer> {
  const parts: Buffer[] = [];
  let position = 0;
  const copy = (length: number) => {
    parts.push(response.subarray(position, position + length));
    position += length;
  };
  const count = () => {
    const value = response.readInt32BE(position);
    copy(4);
    return value;
  };
  // Throttle time, error and session.
  copy(10);
  for (let topics = count(); topics > 0; topics--) {
    copy(2 + response.readInt16BE(position));
    for (let partitions = count(); partitions > 0; partitions--) {
      const number = Buffer.alloc(4);
      const part = { partition: response.readInt32BE(position), records: Buffer.alloc(0) };
      position += 4;
      parts.push(number);
      // The error, and three offsets.
      copy(26);
      for (let aborted = count(); aborted > 0; aborted--) copy(16);
      copy(4);
      const length = Math.max(response.readInt32BE(position), 0);
      part.records = Buffer.from(response.subarray(position + 4, position + 4 + length));
      position += 4 + length;
      change(part);
      number.writeInt32BE(part.partition);
      const size = Buffer.alloc(4);
      size.writeInt32BE(part.records.length);
      parts.push(size, part.records);
    }
  }
  return new Uint8Array(Buffer.concat([...parts, response.subarray(position)]));
}
