const TEXT_ENCODER = new TextEncoder();

/** Writes a command's output; waits for a slow reader. */
export function printOut(text: string): Promise<void> {
  return print(Deno.stdout, text);
}

/** Writes errors that occur before there is a log. */
export function printError(text: string): Promise<void> {
  return print(Deno.stderr, text);
}

/** Ignores readers that stop early, such as `head`. */
async function print(stream: Writer, text: string): Promise<void> {
  try {
    await writeAll(stream, TEXT_ENCODER.encode(text));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

export interface Writer {
  /** Writes some of the bytes, and resolves with their number. */
  write(bytes: Uint8Array): Promise<number>;
}

export async function writeAll(writer: Writer, bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.length;) start += await writer.write(bytes.subarray(start));
}
