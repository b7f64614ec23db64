import { assert, assertEquals } from "@std/assert";
import { keyTables } from "../../tools/schema_tables.ts";

const TABLES = keyTables();
const LINES = [...TABLES.values()].join("\n").split("\n");

Deno.test("keyTables() has a table for each part of a file", () => {
  assertEquals([...TABLES.keys()], [
    "The file",
    "A pipeline",
    "`eventListener` of type `kafka`",
    "`eventListener` of type `stdin`",
    "`eventHandler` of type `http`",
    "`auth` of type `basic` of an `eventHandler`",
    "`auth` of type `bearer` of an `eventHandler`",
    "`auth` of type `apiKey` of an `eventHandler`",
    "`auth` of type `oauth2` of an `eventHandler`",
    "`tls` of an `eventHandler`",
    "`retry` of an `eventHandler`",
    "`eventResultProcessor` of type `kafka`",
    "`eventResultProcessor` of type `stdout`",
    "`deadLetter` of type `kafka`",
    "`deadLetter` of type `stdout`",
    "Keys of both `consumerConfig` and `producerConfig`",
    "Keys of `consumerConfig` alone",
    "Keys of `producerConfig` alone",
  ]);
});

Deno.test("keyTables() says what a key is and what becomes of it", async (t) => {
  for (
    const row of [
      "| `shutdownTimeout` | text such as `30s` | `25s` | How long events in flight may take to " +
      "finish when eventor stops |",
      "| `name` | text | required | The name of the pipeline, for the log; it must be unique |",
      "| `heartbeat.interval.ms` | `3000` | How often a member sends a heartbeat |",
      "| `log_level`, `debug` |  | Accepted with a warning: has no effect in eventor: " +
      "the pipeline's logLevel decides |",
      "| `sasl.kerberos.*` |  | Refused: Kerberos is not supported |",
    ]
  ) {
    await t.step(row.slice(0, 30), () => assert(LINES.includes(row)));
  }
});

Deno.test("keyTables() has as many cells in each row of a table", () => {
  for (const table of TABLES.values()) {
    const rows = table.split("\n").filter((line) => line.startsWith("|"));
    assertEquals(new Set(rows.map((row) => row.split(/(?<!\\)\|/).length)).size, 1);
  }
});
