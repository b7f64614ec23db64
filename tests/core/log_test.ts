import { assertEquals } from "@std/assert";
import { isLogged, LOG_LEVELS, Logger, type LogLevel, type LogRecord } from "../../src/core/log.ts";

Deno.test("LOG_LEVELS has the levels at the original's numbers", () => {
  assertEquals(LOG_LEVELS, ["DEBUG", "INFO", "WARN", "ERROR"]);
});

const SAID: { threshold: LogLevel; levels: LogLevel[] }[] = [
  { threshold: "DEBUG", levels: ["DEBUG", "INFO", "WARN", "ERROR"] },
  { threshold: "INFO", levels: ["INFO", "WARN", "ERROR"] },
  { threshold: "WARN", levels: ["WARN", "ERROR"] },
  { threshold: "ERROR", levels: ["ERROR"] },
];

for (const { threshold, levels } of SAID) {
  Deno.test(`Logger says ${levels.join(", ")}, when it is set to ${threshold}`, () => {
    const records: LogRecord[] = [];
    const log = new Logger((record) => records.push(record), { level: threshold });

    log.debug(() => "d");
    log.info("i");
    log.warn("w");
    log.error("e");

    assertEquals(records.map(({ level }) => level), levels);
    assertEquals(LOG_LEVELS.filter((level) => isLogged(level, threshold)), levels);
  });
}

Deno.test("Logger makes no debug message, when nobody will see it", () => {
  const log = new Logger(() => {}, { level: "INFO" });
  log.debug(() => {
    throw new Error("made");
  });
});

Deno.test("Logger says when, what, and for which pipeline", () => {
  const records: LogRecord[] = [];
  const before = Date.now();

  new Logger((record) => records.push(record), { level: "INFO", pipeline: "orders" }).warn("one");
  new Logger((record) => records.push(record), { level: "INFO" }).warn("two");

  assertEquals(records.map(({ timestampMs: _, ...rest }) => rest), [
    { level: "WARN", pipeline: "orders", message: "one" },
    { level: "WARN", message: "two" },
  ]);
  const times = [before, ...records.map(({ timestampMs }) => timestampMs), Date.now()];
  assertEquals(times, times.toSorted((a, b) => a - b));
});

Deno.test("Logger makes records that can be posted to another isolate", () => {
  const records: LogRecord[] = [];
  new Logger((record) => records.push(record), { level: "INFO", pipeline: "orders" }).info("one");
  assertEquals(structuredClone(records), records);
});
