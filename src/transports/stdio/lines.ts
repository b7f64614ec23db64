import type { Bytes } from "../../core/event.ts";

const NEWLINE = 0x0a;

/** Yields the lines of a byte stream without their newline; a last line without one counts as well. */
export async function* readLines(stream: ReadableStream<Bytes>): AsyncGenerator<Bytes> {
  let started: Bytes[] = [];
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      yield concatenate([...started, chunk.subarray(start, end)]);
      started = [];
      start = end + 1;
    }
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
