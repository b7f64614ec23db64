import { assertEquals } from "@std/assert";
import { takeSnapshot } from "../../src/process/config_reading.ts";
import { type ChangeTarget, Reconfiguration } from "../../src/process/reconfiguration.ts";
import { TemporaryFiles } from "../support/tls/certificate_authority.ts";
import { RecordedLog } from "../support/recorded_log.ts";

for (
  const [name, isTaken, expected] of [
    ["goes over to a file that has changed", true, "INFO - CHANGED: new calls use the new values"],
    [
      "has ended for good takes nothing of that",
      false,
      "WARN - CHANGED: restart eventor to apply the change",
    ],
  ] as const
) {
  Deno.test(`a pipeline that ${name}, says the log`, async () => {
    using files = new TemporaryFiles();
    const log = new RecordedLog();
    const changes: unknown[][] = [];
    const target: ChangeTarget = {
      change: ({ name }, how) => {
        changes.push([name, how]);
        return isTaken;
      },
    };
    using _ = new Reconfiguration(await read(files.write("token", "canary-1")), {
      target,
      log: log.sink,
      intervalMs: 10,
    });

    files.write("token", "canary-2");

    const changed = "pipeline 'orders': eventHandler.auth.token changed";
    assertEquals(await log.line(/changed/), expected.replace("CHANGED", changed));
    assertEquals(changes, [["orders", "update"]]);
  });
}

async function read(token: string) {
  const text = JSON.stringify([{
    name: "orders",
    eventListener: { type: "stdin" },
    eventHandler: {
      type: "http",
      url: "https://localhost/",
      auth: { type: "bearer", token: `\${file:${token}}` },
    },
  }]);
  const snapshot = await takeSnapshot({ sources: [{ name: "config.yaml", text }] });
  const { result } = snapshot;
  if ("problems" in result) throw new Error("not valid");
  return { ...result, snapshot };
}
