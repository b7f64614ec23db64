import { Logger, type LogRecord } from "../../src/core/log.ts";
import { eventually } from "./eventually.ts";

/** Keeps what is logged. */
export class RecordedLog {
  readonly records: LogRecord[] = [];
  readonly sink = (record: LogRecord): void => {
    this.records.push(record);
  };
  /** Logs at every level. */
  readonly log: Logger = new Logger(this.sink, { level: "DEBUG" });

  /** `INFO - message`, in the order in which they were said. */
  get lines(): string[] {
    return this.records.map(({ level, message }) => `${level} - ${message}`);
  }

  /** The messages of a level. */
  of(level: LogRecord["level"]): string[] {
    return this.records.filter((record) => record.level === level).map(({ message }) => message);
  }

  /** The lines that match. */
  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  /** Resolves with the first line that matches, now or later. */
  async line(
    pattern: RegExp,
    { count = 1, deadlineMs = 30_000 }: { count?: number; deadlineMs?: number } = {},
  ): Promise<string> {
    await eventually(() => this.matching(pattern).length >= count, {
      deadlineMs,
      what: () =>
        `${count} log line(s) that match ${pattern}; the log has:\n${
          this.lines.slice(-30).join("\n")
        }`,
    });
    return this.matching(pattern)[count - 1] ?? "";
  }
}
