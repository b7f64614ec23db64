import { assertEquals } from "@std/assert";
import { StatusLine } from "../../src/commands/status_line.ts";

function aStream({ isTerminal }: { isTerminal: boolean }) {
  const written: string[] = [];
  const take = (bytes: Uint8Array) => {
    written.push(new TextDecoder().decode(bytes));
    return bytes.length;
  };
  const stream = {
    isTerminal: () => isTerminal,
    write: (bytes: Uint8Array) => Promise.resolve(take(bytes)),
    writeSync: take,
  };
  return { written, line: new StatusLine(stream) };
}

const LOGGED = new TextEncoder().encode("logged\n");

Deno.test("StatusLine writes itself anew in place, and leaves nothing behind", () => {
  const { written, line } = aStream({ isTerminal: true });
  line.show("1 of 2");
  line.show("2 of 2");
  line.clear();
  line.clear();
  assertEquals(written, ["\r\x1b[K1 of 2", "\r\x1b[K2 of 2", "\r\x1b[K"]);
});

Deno.test("StatusLine makes room for what is written above it", async () => {
  const { written, line } = aStream({ isTerminal: true });
  line.show("1 of 2");
  assertEquals(await line.write(LOGGED), LOGGED.length);
  line.show("2 of 2");
  assertEquals(written, ["\r\x1b[K1 of 2", "\r\x1b[K", "logged\n", "\r\x1b[K2 of 2"]);
});

Deno.test("StatusLine writes nothing of its own, when there is no terminal", async () => {
  const { written, line } = aStream({ isTerminal: false });
  line.show("1 of 2");
  await line.write(LOGGED);
  line.clear();
  assertEquals(written, ["logged\n"]);
});
