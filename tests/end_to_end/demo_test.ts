import { assertEquals, assertStringIncludes } from "@std/assert";
import { runTool } from "../support/executable/eventor_process.ts";

const DEADLINE_MS = 180_000;
const TOOL = new URL("../../tools/demo.ts", import.meta.url).pathname;

/** Those of the sample configuration, which the demo shows. */
const PORTS = [8080, 9092];

Deno.test({
  name: "the demo takes its events all the way, says so, and ends with 0",
  ignore: !PORTS.every(isFree),
  async fn() {
    const { code, stdout, stderr } = await runTool(TOOL, { deadlineMs: DEADLINE_MS });
    const output = stdout + stderr;
    assertEquals(code, 0, output);
    assertStringIncludes(output, "Hello World!");
    assertStringIncludes(output, "Everything worked");
  },
});

function isFree(port: number): boolean {
  try {
    Deno.listen({ port, hostname: "127.0.0.1" }).close();
    return true;
  } catch {
    return false;
  }
}
