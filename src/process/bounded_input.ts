import { closeSync, constants, openSync, readSync } from "node:fs";
import { FileError } from "../config/external_values.ts";

const MIB = 1024 * 1024;

/** Largest file that a configuration may name. */
export const MAX_NAMED_FILE_BYTES = MIB;

/** How long to wait for a silent pipe or device. */
const PATIENCE_MS = 10_000;
const POLL_MS = 10;

const PIECE_BYTES = 64 * 1024;

/**
 * Reads a file, a pipe (`/dev/fd/5`, a FIFO) or a device. Blocks the thread while it waits for a pipe.
 *
 * @throws {FileError} when it is larger, a directory, or silent for 10 s
 * @throws {Deno.errors.NotFound} and the like, when there is no such file
 */
export function readBoundedFile(
  path: string,
  { maxBytes, patienceMs = PATIENCE_MS }: { maxBytes: number; patienceMs?: number },
): string {
  try {
    const { isFile, isDirectory, isFifo, size } = Deno.statSync(path);
    if (isDirectory) throw new FileError("it is a directory");
    if (!isFile) {
      return readWithoutBlocking(path, { maxBytes, patienceMs, isFifo: isFifo ?? false });
    }
    if (size > maxBytes) throw tooLarge(maxBytes);
    return Deno.readTextFileSync(path);
  } catch (error) {
    // The runtime's message is about how to compile the executable.
    if (error instanceof Deno.errors.NotCapable) {
      throw new FileError(
        "it is a system file (such as in /proc), which eventor may not read",
      );
    }
    throw error;
  }
}

/**
 * Like `readBoundedFile()`, for files that are read repeatedly; refuses pipes and devices, which can be read once.
 *
 * @throws as `readBoundedFile()` does
 */
export async function readBoundedFileAgain(path: string, maxBytes: number): Promise<string> {
  const { isFile, size } = await Deno.stat(path);
  if (!isFile) throw new FileError("it is no longer a regular file");
  if (size > maxBytes) throw tooLarge(maxBytes);
  return await Deno.readTextFile(path);
}

/**
 * Reads all of standard input.
 *
 * @throws {FileError} when it is larger
 */
export async function readStandardInput(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces = [];
  let length = 0;
  for await (const piece of Deno.stdin.readable) {
    length += piece.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    pieces.push(piece);
  }
  return await new Blob(pieces).bytes();
}

/** A blocking open of a FIFO without a writer would stop the process. */
function readWithoutBlocking(
  path: string,
  { maxBytes, patienceMs, isFifo }: { maxBytes: number; patienceMs: number; isFifo: boolean },
): string {
  const fd = open(path);
  try {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const buffer = new Uint8Array(PIECE_BYTES);
    let [text, length, lastMs] = ["", 0, performance.now()];
    for (;;) {
      const count = readSome(fd, buffer);
      // A FIFO also reports its end before a writer has opened it.
      if (count === undefined || count === 0 && isFifo && length === 0) {
        if (performance.now() - lastMs > patienceMs) {
          throw new FileError(
            `it is not a regular file, and has sent nothing for ${patienceMs / 1000} s`,
          );
        }
        sleep(POLL_MS);
        continue;
      }
      if (count === 0) return text + decoder.decode();
      length += count;
      if (length > maxBytes) throw tooLarge(maxBytes);
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
      lastMs = performance.now();
    }
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    throw new FileError("it is not a regular file, and cannot be opened");
  }
}

/** Bytes read, 0 at the end; `undefined` when none are available yet. */
function readSome(fd: number, buffer: Uint8Array): number | undefined {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return undefined;
    throw error;
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function tooLarge(maxBytes: number): FileError {
  return new FileError(`it is larger than ${maxBytes / MIB} MiB`);
}
