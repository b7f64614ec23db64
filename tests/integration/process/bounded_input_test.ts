import { assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { FileError } from "../../../src/config/external_values.ts";
import { readBoundedFile, readBoundedFileAgain } from "../../../src/process/bounded_input.ts";
import { TemporaryFiles } from "../../support/tls/certificate_authority.ts";

const MIB = 1024 * 1024;

/** A FIFO, and a process that does `write` to it. */
async function fifo(files: TemporaryFiles, write?: string): Promise<string> {
  const path = `${files.directory}/fifo`;
  await run(`mkfifo ${path}`);
  if (write !== undefined) await run(`(${write}) > ${path} 2> /dev/null &`);
  return path;
}

async function run(script: string): Promise<void> {
  const { success } = await new Deno.Command("sh", {
    args: ["-c", script],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).output();
  assertEquals(success, true);
}

Deno.test("readBoundedFile() reads files up to its limit", () => {
  using files = new TemporaryFiles();
  const path = files.write("file", "\ufeffa\n" + "x".repeat(MIB - 5));
  assertEquals(readBoundedFile(path, { maxBytes: MIB }).slice(0, 3), "\ufeffa\n");
  files.write("file", "x".repeat(MIB + 1));
  assertThrows(
    () => readBoundedFile(path, { maxBytes: MIB }),
    FileError,
    "it is larger than 1 MiB",
  );
  assertThrows(
    () => readBoundedFile(`${files.directory}/absent`, { maxBytes: MIB }),
    Deno.errors.NotFound,
  );
});

Deno.test("readBoundedFile() ends at its limit, when it reads what has no end", async () => {
  using files = new TemporaryFiles();
  const endless = await fifo(files, "cat /dev/zero");
  for (const path of ["/dev/zero", "/dev/urandom", endless]) {
    assertThrows(
      () => readBoundedFile(path, { maxBytes: MIB }),
      FileError,
      "it is larger than 1 MiB",
    );
  }
});

Deno.test("readBoundedFile() says so, when nothing comes from a FIFO", async () => {
  using files = new TemporaryFiles();
  for (const path of [await fifo(files)]) {
    assertThrows(
      () => readBoundedFile(path, { maxBytes: MIB, patienceMs: 100 }),
      FileError,
      "it is not a regular file, and has sent nothing for 0.1 s",
    );
  }
});

Deno.test("readBoundedFile() says so, when a FIFO does not come to its end", async () => {
  using files = new TemporaryFiles();
  // The process ends as soon as nobody reads.
  const path = await fifo(files, "echo a; while sleep 0.4; do echo; done");
  assertThrows(
    () => readBoundedFile(path, { maxBytes: MIB, patienceMs: 100 }),
    FileError,
    "it is not a regular file, and has sent nothing for 0.1 s",
  );
});

Deno.test("readBoundedFile() waits for what comes late, in pieces of characters, to the end of a FIFO", async () => {
  using files = new TemporaryFiles();
  const path = await fifo(files, "sleep 0.3; printf 'a\\303'; sleep 0.3; printf '\\274\\n'");
  assertEquals(readBoundedFile(path, { maxBytes: MIB }), "aü\n");
});

Deno.test("readBoundedFile() takes an empty device at once, and a directory for what it is", () => {
  const startedAt = performance.now();
  assertEquals(readBoundedFile("/dev/null", { maxBytes: MIB }), "");
  assertThrows(() => readBoundedFile("/", { maxBytes: MIB }), FileError, "it is a directory");
  assertLess(performance.now() - startedAt, 5000);
});

Deno.test("readBoundedFileAgain() reads files only, up to its limit", async () => {
  using files = new TemporaryFiles();
  const path = files.write("file", "abc");
  assertEquals(await readBoundedFileAgain(path, 3), "abc");
  await assertRejects(() => readBoundedFileAgain(path, 2), FileError);
  for (const other of ["/dev/zero", "/", await fifo(files)]) {
    await assertRejects(
      () => readBoundedFileAgain(other, MIB),
      FileError,
      "no longer a regular file",
    );
  }
});
