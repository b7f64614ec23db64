import { atMost } from "../core/backoff.ts";
import { escapeInvisible } from "../core/escaping.ts";
import type { LogFormat, LogRecord, LogSink } from "../core/log.ts";
import { writeAll, type Writer } from "./console.ts";

const MAX_WAITING = 10_000;

/** How long to wait for a reader of the last lines. */
const FLUSH_MS = 1000;

/** In characters. Longer messages are cut: many log readers accept no longer lines. */
const MAX_MESSAGE = 8192;

const TEXT_ENCODER = new TextEncoder();

/**
 * Writes log records without blocking the caller. Lines queue up during a write. When the queue is full, further lines
 * are dropped, counted, and reported once there is room again.
 */
export class LogWriter implements AsyncDisposable {
  readonly #format: (record: LogRecord) => string;
  readonly #writer: Writer;
  readonly #maxWaiting: number;
  #waiting: string[] = [];
  #dropped = 0;
  #writing: Promise<void> | null = null;

  constructor(
    format: LogFormat,
    writer: Writer,
    { maxWaiting = MAX_WAITING }: { maxWaiting?: number } = {},
  ) {
    this.#format = format === "json" ? formatJson : formatText;
    this.#writer = writer;
    this.#maxWaiting = maxWaiting;
  }

  /** Queues a record; returns at once. */
  readonly log: LogSink = (record) => {
    if (this.#waiting.length >= this.#maxWaiting) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(this.#format(bounded(record)));
    this.#writing ??= this.#writeWaiting();
  };

  /** Resolves when everything is written, or after `deadlineMs`. */
  async flush(deadlineMs = FLUSH_MS): Promise<void> {
    await atMost(this.#writing ?? Promise.resolve(), deadlineMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.flush();
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) await this.#writeBatch();
    this.#writing = null;
  }

  async #writeBatch(): Promise<void> {
    const [lines, dropped] = [this.#waiting, this.#dropped];
    [this.#waiting, this.#dropped] = [[], 0];
    const report = dropped > 0 ? [this.#format(droppedRecord(dropped))] : [];
    const bytes = TEXT_ENCODER.encode([...lines, ...report].join(""));
    try {
      await writeAll(this.#writer, bytes);
    } catch {
      // Nothing else can report this, so the next batch does.
      this.#dropped += lines.length + dropped;
    }
  }
}

function bounded(record: LogRecord): LogRecord {
  const { message } = record;
  const surplus = message.length - MAX_MESSAGE;
  if (surplus <= 0) return record;
  const text = message.slice(0, MAX_MESSAGE).toWellFormed();
  return { ...record, message: `${text}... (${surplus} more characters)` };
}

function droppedRecord(count: number): LogRecord {
  const message = `${count} log lines were dropped because the reader was too slow`;
  return { timestampMs: Date.now(), level: "WARN", message };
}

function formatJson({ timestampMs, level, pipeline, message }: LogRecord): string {
  const time = new Date(timestampMs).toISOString();
  return JSON.stringify({ time, level, pipeline, message }) + "\n";
}

function formatText({ timestampMs, level, message }: LogRecord): string {
  return `${localTime(new Date(timestampMs))} ${level} - ${escapeInvisible(message)}\n`;
}

function localTime(date: Date): string {
  // As an ISO time, which is in UTC.
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, "2026-12-01T12:00:00".length).replace("T", " ")
    .replaceAll("-", "/");
}
