const KEYS = 1000;
const VALUE_BYTES = 256;
const LINES_A_WRITE = 2000;

/** The key of the n-th event: one of a thousand, in an order that looks random and is the same in each run. */
export function keyOf(number: number): string {
  let hash = Math.imul(number + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return `key-${((hash ^ (hash >>> 13)) >>> 0) % KEYS}`;
}

/** The value of the n-th event: begins with the number, and is as long as every other. */
export function valueOf(number: number): string {
  return `${number} `.padEnd(VALUE_BYTES, "x");
}

/** What the value of an event begins with to which endpoints never answer. */
const HANGS = "hang ";

/** Fills a topic with so many events, by kcat; one partition of it, when that is given. */
export async function preload(
  { broker, topic, partition, hang = false }: {
    broker: string;
    topic: string;
    partition?: number;
    /** Whether calls for these events are to hang. */
    hang?: boolean;
  },
  count: number,
): Promise<void> {
  const child = new Deno.Command("kcat", {
    args: [
      ...["-b", broker, "-P", "-t", topic, "-K", ":"],
      ...(partition === undefined ? [] : ["-p", `${partition}`]),
    ],
    stdin: "piped",
    stdout: "null",
  }).spawn();
  const encoder = new TextEncoder();
  const writer = child.stdin.getWriter();
  for (let begin = 0; begin < count; begin += LINES_A_WRITE) {
    let lines = "";
    for (let number = begin; number < Math.min(begin + LINES_A_WRITE, count); number++) {
      lines += `${keyOf(number)}:${hang ? HANGS : ""}${valueOf(number)}\n`;
    }
    await writer.write(encoder.encode(lines));
  }
  await writer.close();
  if (!(await child.status).success) throw new Error(`kcat cannot fill ${topic}`);
}
