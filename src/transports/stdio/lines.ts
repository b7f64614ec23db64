import type { Bytes, EventOrigin } from "../../core/event.ts";

const NEWLINE = 0x0a;

const MIB = 1024 * 1024;

/**
 * Yields the lines of a byte stream without their newline, also a last line that has none.
 *
 * @throws {SyntaxError} at a line of more than `maxBytes`, before it is held in memory; what follows stays unread
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
      if (startedBytes + end - start > maxBytes) throw tooLong(maxBytes);
      yield concatenate([...started, chunk.subarray(start, end)]);
      [started, startedBytes] = [[], 0];
      start = end + 1;
    }
    startedBytes += chunk.length - start;
    if (startedBytes > maxBytes) throw tooLong(maxBytes);
    if (start < chunk.length) started.push(chunk.slice(start));
  }
  if (started.length > 0) yield concatenate(started);
}

/** The origin of a line, by its index from 0. No two runs read it at the same time, so ids differ between runs. */
export function lineOrigin(index: number, timestampMs: number): EventOrigin {
  return {
    id: `stdin-${index}-${timestampMs}`,
    facts: () => [["topic", "stdin"], ["offset", `${index}`]],
    toString: () => `stdin@${index}`,
  };
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

function tooLong(maxBytes: number): SyntaxError {
  return new SyntaxError(`it is longer than ${maxBytes / MIB} MiB`);
}
