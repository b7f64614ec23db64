import type { LogSink } from "../core/log.ts";
import { hasRoomForWorker } from "./open_files.ts";
import type { WorkerEnd, WorkerReport } from "./worker_messages.ts";

/** A Worker with these permissions only, seen from the main thread. Disposal terminates it. */
export class SandboxedWorker<Command, Result, Progress = never> implements Disposable {
  /** Its last report. */
  readonly end: Promise<WorkerEnd<Result>>;
  readonly #worker: Worker;

  /**
   * @param url module of the Worker
   * @throws {Error} when too many files are open
   */
  constructor(
    url: URL,
    { name, permissions, log, onProgress }: {
      name: string;
      permissions: Deno.PermissionOptionsObject;
      log: LogSink;
      onProgress?: (progress: Progress) => void;
    },
  ) {
    if (!hasRoomForWorker()) {
      throw new Error(
        "too many open files and connections: raise the limit of open files (ulimit -n)",
      );
    }
    const { promise, resolve } = Promise.withResolvers<WorkerEnd<Result>>();
    this.end = promise;
    this.#worker = new Worker(url, {
      type: "module",
      name,
      deno: { permissions },
    });
    this.#worker.onmessage = ({ data }: MessageEvent<WorkerReport<Result, Progress>>) => {
      if (data.kind === "log") log(data.record);
      else if (data.kind === "progress") onProgress?.(data.progress);
      else resolve(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      resolve({ kind: "failed", reason: event.message, isRefusal: false });
    };
  }

  send(command: Command): void {
    this.#worker.postMessage(command);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
