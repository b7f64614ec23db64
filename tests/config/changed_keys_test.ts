import { assertEquals } from "@std/assert";
import { changedKeys } from "../../src/config/changed_keys.ts";
import { loadConfig, type LoadedConfig } from "../../src/config/mod.ts";
import { CertificateAuthority } from "../support/tls/certificate_authority.ts";
import { externalValues, pipeline } from "./loading.ts";

const AUTHORITY = new CertificateAuthority();

Deno.test("changedKeys() names the keys whose values come from files that have changed", async (t) => {
  const text = JSON.stringify([{
    ...pipeline(),
    eventListener: {
      type: "kafka",
      topic: "ORDERS",
      consumerConfig: {
        "bootstrap.servers": "localhost",
        "group.id": "orders",
        "security.protocol": "ssl",
        "ssl.ca.location": "/ca.pem",
      },
    },
    eventHandler: {
      type: "http",
      url: "https://localhost/${event.key}/${file:/part}",
      headers: { "x-token": "Bearer ${file:/token}" },
      tls: { ca: "${file:/ca.pem}" },
    },
  }]);
  const before = { "/ca.pem": AUTHORITY.cert, "/token": "one", "/part": "a" };
  const table: [string, Record<string, string>, string[]][] = [
    ["nothing", {}, []],
    ["a header", { "/token": "two" }, ["eventHandler.headers.x-token"]],
    ["a text with templates", { "/part": "b" }, ["eventHandler.url"]],
    ["a file that two keys name", { "/ca.pem": new CertificateAuthority().cert }, [
      "eventListener.consumerConfig['ssl.ca.location']",
      "eventHandler.tls.ca",
    ]],
  ];
  for (const [name, changed, expected] of table) {
    await t.step(name, () => {
      const [former, next] = [before, { ...before, ...changed }].map((files) =>
        loaded(text, files).written[0]
      );
      assertEquals(changedKeys(former, next), expected);
    });
  }
});

function loaded(text: string, files: Record<string, string>): LoadedConfig {
  const result = loadConfig([{ name: "config.yaml", text }], externalValues({ files }));
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  return result;
}
