const TEXT_ENCODER = new TextEncoder();

/** Says what a tool is doing; to standard output, one line. */
export function say(line: string): void {
  Deno.stdout.writeSync(TEXT_ENCODER.encode(`${line}\n`));
}
