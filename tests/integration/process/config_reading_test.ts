import { assert, assertEquals } from "@std/assert";
import { takeSnapshot } from "../../../src/process/config_reading.ts";
import { TemporaryFiles } from "../../support/tls/certificate_authority.ts";

Deno.test("takeSnapshot() gives a frozen configuration, with files and variables in place", async () => {
  using files = new TemporaryFiles();
  Deno.env.set("EVENTOR_TEST_READING", "orders");
  const text = JSON.stringify([{
    name: "${env:EVENTOR_TEST_READING}",
    eventListener: { type: "stdin" },
    eventHandler: {
      type: "http",
      url: "https://localhost/",
      headers: { a: `\${file:${files.write("header", "one")}}` },
    },
  }]);
  const sources = [{ name: "config.yaml", text }];
  const first = await takeSnapshot({ sources });
  Deno.env.delete("EVENTOR_TEST_READING");
  files.write("header", "two");
  const { result } = await takeSnapshot({ sources, before: first.values });

  if ("problems" in result) throw new Error("not valid");
  const [pipeline] = result.config.pipelines;
  assertEquals(pipeline?.name, "orders");
  assertEquals(Reflect.get(pipeline?.eventHandler ?? {}, "headers"), [["a", "two"]]);
  const parts: unknown[] = [result];
  for (const part of parts) {
    if (typeof part !== "object" || part === null) continue;
    assert(Object.isFrozen(part));
    parts.push(...Object.values(part));
  }
});

Deno.test("takeSnapshot() gives all problems of an invalid configuration", async () => {
  const { result } = await takeSnapshot({
    sources: [{ name: "config.yaml", text: "[{ name: 5 }]" }],
  });
  if ("config" in result) throw new Error("valid");
  const paths = result.problems.map(({ path }) => path);
  assertEquals(paths, ["name", "eventListener", "eventHandler"]);
});
