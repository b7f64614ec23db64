import { formatJsonLine } from "../../../src/transports/stdio/json_line.ts";
import { StdinListener } from "../../../src/transports/stdio/listener.ts";
import { stdinListener } from "../../../src/transports/stdio/mod.ts";
import { testListenerContract } from "../../contracts/listener.ts";
import { DEFAULT_LIMITS } from "../../support/limits.ts";

testListenerContract("StdinListener", () => {
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>(
    undefined,
    undefined,
    // What is sent waits here until somebody reads it.
    { highWaterMark: 1_000_000 },
  );
  const writer = writable.getWriter();
  return Promise.resolve({
    async send(records) {
      for (const record of records) {
        await writer.write(new TextEncoder().encode(`${formatJsonLine(record)}\n`));
      }
    },
    open: () =>
      Promise.resolve(
        new StdinListener({ type: "stdin", format: "json" }, readable, DEFAULT_LIMITS),
      ),
    async [Symbol.asyncDispose]() {
      await writer.abort().catch(() => {});
    },
  });
}, {
  keys: true,
  nullValue: true,
  binaryHeaders: true,
  repeatedHeaders: true,
  ...stdinListener.promises,
  facts: stdinListener.facts,
  maxUnsettled: 1000,
});
