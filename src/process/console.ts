const TEXT_ENCODER = new TextEncoder();

/** Writes a command's output; waits for a slow reader. */
export function printOut(text: string): Promise<void> {
  return writeAll(Deno.stdout, text);
}

/** Writes errors that occur before there is a log. */
export function printError(text: string): Promise<void> {
  return writeAll(Deno.stderr, text);
}

/** Ignores readers that stop early, such as `head`. */
async function writeAll(
  stream: { write(bytes: Uint8Array): Promise<number> },
  text: string,
): Promise<void> {
  const bytes = TEXT_ENCODER.encode(text);
  try {
    for (let start = 0; start < bytes.length;) start += await stream.write(bytes.subarray(start));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
