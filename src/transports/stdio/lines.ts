import type { Bytes } from "../../core/event.ts";

const NEWLINE = 0x0a;

/** A line exceeds its limit. What follows it was not read. */
export class LineTooLongError extends Error {
  override readonly name = "LineTooLongError";
}

/**
 * Yields the lines of a byte stream without their newline, also a last line that has none.
 *
 * @throws {LineTooLongError} at a line of more than `maxBytes`, before it is held in memory
 */
export async function* readLines(
  stream: ReadableStream<Bytes>,
  maxBytes = Infinity,
): AsyncGenerator<Bytes> {
  let started: Bytes[] = [];
  let startedBytes = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (startedBytes + end - start > maxBytes) throw new LineTooLongError();
      yield concatenate([...started, chunk.subarray(start, end)]);
      [started, startedBytes] = [[], 0];
      start = end + 1;
    }
    startedBytes += chunk.length - start;
    if (startedBytes > maxBytes) throw new LineTooLongError();
    if (start < chunk.length) started.push(chunk.slice(start));
  }
  if (started.length > 0) yield concatenate(started);
}

function concatenate(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
