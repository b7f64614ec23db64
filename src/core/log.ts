/** In the order of the Go version's numbers: `logLevel: 0` is DEBUG. */
export const LOG_LEVELS = ["DEBUG", "INFO", "WARN", "ERROR"] as const;

export type LogLevel = typeof LOG_LEVELS[number];

/** `text`: the form of the Go version; `json`: one object per line. */
export const LOG_FORMATS = ["text", "json"] as const;

export type LogFormat = typeof LOG_FORMATS[number];

/** A log line, as it crosses the Worker boundary. */
export interface LogRecord {
  readonly timestampMs: number;
  readonly level: LogLevel;
  /** Absent if it concerns the whole process. */
  readonly pipeline?: string;
  readonly message: string;
}

/** Writes records. Must not block. */
export type LogSink = (record: LogRecord) => void;

/** Whether a logger with `threshold` logs `level`. */
export function isLogged(level: LogLevel, threshold: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(threshold);
}

/** Messages hold no payload, no secret and no query string. */
export class Logger {
  readonly #sink: LogSink;
  readonly #level: LogLevel;
  readonly #pipeline: string | undefined;

  constructor(sink: LogSink, { level, pipeline }: { level: LogLevel; pipeline?: string }) {
    this.#sink = sink;
    this.#level = level;
    this.#pipeline = pipeline;
  }

  /** A function, because most processes do not log DEBUG. */
  debug(message: () => string): void {
    if (isLogged("DEBUG", this.#level)) this.#log("DEBUG", message());
  }

  info(message: string): void {
    this.#log("INFO", message);
  }

  warn(message: string): void {
    this.#log("WARN", message);
  }

  error(message: string): void {
    this.#log("ERROR", message);
  }

  #log(level: LogLevel, message: string): void {
    if (!isLogged(level, this.#level)) return;
    const pipeline = this.#pipeline;
    this.#sink({
      timestampMs: new Date().getTime(),
      level,
      ...(pipeline === undefined ? {} : { pipeline }),
      message,
    });
  }
}
