import { parseJsonLine } from "../../../src/transports/stdio/json_line.ts";
import { readLines } from "../../../src/transports/stdio/lines.ts";
import { StdoutResultProcessor } from "../../../src/transports/stdio/result_processor.ts";
import { testResultProcessorContract } from "../../contracts/result_processor.ts";

testResultProcessorContract("StdoutResultProcessor", () => {
  const written: number[] = [];
  // A pipe takes a part of what it is given.
  const write = (bytes: Uint8Array) => {
    const part = bytes.subarray(0, 10);
    written.push(...part);
    return Promise.resolve(part.length);
  };
  return Promise.resolve({
    open: () =>
      Promise.resolve(
        new StdoutResultProcessor({ type: "stdout", format: "json" }, write),
      ),
    stored: () =>
      Array.fromAsync(readLines(ReadableStream.from([Uint8Array.from(written)])), parseJsonLine),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}, { keys: true, nullValue: true, binaryHeaders: true, repeatedHeaders: true });
