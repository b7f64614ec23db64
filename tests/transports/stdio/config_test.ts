import { assertEquals } from "@std/assert";
import {
  stdinListenerSchema,
  stdoutResultProcessorSchema,
} from "../../../src/transports/stdio/config.ts";

Deno.test("stdinListenerSchema reads text unless it is told otherwise", () => {
  assertEquals(stdinListenerSchema.parse({ type: "stdin" }), { type: "stdin", format: "text" });
  assertEquals(stdinListenerSchema.parse({ type: "stdin", format: "JSON" }), {
    type: "stdin",
    format: "json",
  });
});

Deno.test("stdoutResultProcessorSchema takes one outcome or a list", () => {
  for (const when of ["onError", ["onError"], ["onerror", "onError"]]) {
    assertEquals(stdoutResultProcessorSchema.parse({ type: "stdout", when }), {
      type: "stdout",
      when: ["onError"],
      format: "text",
    });
  }
});
