import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { TemporaryFiles } from "../support/tls/certificate_authority.ts";
import { configFile, executable, mortal } from "../support/executable/eventor_process.ts";
import { stdioPipeline } from "../support/executable/pipeline_yaml.ts";

/** Of which a process without any event takes about half. */
const MAX_KIBIBYTES = 200 * 1024;

Deno.test("eventor takes no memory for a line of 300 MB, and says which one it is", async () => {
  using config = configFile(stdioPipeline({ url: "http://127.0.0.1:9/", logLevel: "ERROR" }));
  const { code, peakKibibytes, stderr } = await runMeasured(
    `head -c 300000000 /dev/zero | tr '\\0' x | MEASURED -f ${config.path}`,
  );
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /ERROR - pipeline 'lines' failed: Cannot read line 1 of stdin: it is longer than 16 MiB\n/,
  );
  assertLess(peakKibibytes, MAX_KIBIBYTES);
});

Deno.test("eventor takes no memory for files that do not end, or are none, waits for none for ever, and says so", async () => {
  using files = new TemporaryFiles();
  const { directory } = files;
  using socket = Deno.listen({ transport: "unix", path: `${directory}/socket` });
  const ENDLESS = "it is larger than 1 MiB";
  const table = [
    { path: "/dev/zero", problem: ENDLESS },
    { path: `${directory}/endless`, problem: ENDLESS, writer: "exec cat /dev/zero" },
    {
      path: `${directory}/silent`,
      problem: "it is not a regular file, and has sent nothing for 10 s",
      writer: "exec sleep 30",
    },
    {
      path: `${directory}/unwritten`,
      problem: "it is not a regular file, and has sent nothing for 10 s",
      writer: "",
    },
    { path: directory, problem: "it is a directory" },
    { path: `${socket.addr.path}`, problem: "it is not a regular file, and cannot be opened" },
    {
      path: "/proc/self/environ",
      problem: "it is a system file (such as in /proc), which eventor may not read",
    },
  ];
  const check = async ({ path, problem, writer }: typeof table[number]) => {
    using config = configFile(stdioPipeline({ url: `http://h/\${file:${path}}` }));
    const made = writer === undefined ? "" : `mkfifo ${path}; `;
    const written = writer ? `{ ${writer}; } > ${path} 2> /dev/null & ` : "";
    const { code, peakKibibytes, stderr } = await runMeasured(
      `${made}${written}MEASURED check -f ${config.path}; code=$?; kill $! 2> /dev/null; exit $code`,
    );
    assertEquals(code, 2);
    assertEquals(
      stderr.split("\n")[0],
      `${config.path}: pipeline 'lines': eventHandler.url: cannot read the file '${path}': ${problem}`,
    );
    assertLess(peakKibibytes, MAX_KIBIBYTES);
  };
  await Promise.all(table.map(check));
});

Deno.test("eventor reads a FIFO that is given as a file, and its own configuration from one", async () => {
  using files = new TemporaryFiles();
  const [fifo, config] = [`${files.directory}/fifo`, `${files.directory}/config`];
  const text = stdioPipeline({ url: `http://h/\${file:${fifo}}` });
  const { code, stderr } = await runMeasured(
    `mkfifo ${fifo} ${config}; echo path > ${fifo} & printf '%s' "$TEXT" > ${config} & MEASURED check -f ${config}`,
    { TEXT: text },
  );
  assertEquals(code, 0, stderr);
});

Deno.test("eventor stays below 256 MB while templates look into JSON, whatever it consists of", async () => {
  const megabytes = (part: string, count: number) => part.repeat(count * 1_000_000 / part.length);
  const keys = Array.from({ length: 190_000 }, (_, key) => `"${key}":1`);
  const lines = [
    `{"a":${megabytes("[", 2)}${megabytes("]", 2)}}`,
    `{"a":[${megabytes("{},", 4)}1]}`,
    `{"a":[${megabytes("1,", 4)}1]}`,
    // About as much as is looked into.
    `{"a":"","b":${megabytes("[", 0.7)}${megabytes("]", 0.7)}}`,
    `{"a":[${megabytes("1,", 1.05)}1]}`,
    `{"a":{${keys.join(",")}}}`,
  ];
  using files = new TemporaryFiles();
  const input = files.write("input", lines.map((line) => `${line}\n`).join(""));
  using config = configFile(`
- name: lines
  eventListener: { type: stdin }
  eventHandler: { type: http, url: "http://127.0.0.1:9/\${event.value.a}", onFailure: discard, retry: { maxAttempts: 1 } }
`);
  const { code, peakKibibytes, stderr } = await runMeasured(
    `MEASURED -f ${config.path} < ${input}`,
  );
  assertEquals(code, 0, stderr);
  assertEquals(stderr.match(/too many lists, objects and items/g)?.length, 3, stderr);
  assertLess(peakKibibytes, 256 * 1024);
});

/** Runs a program, and says how much resident memory it has had at most. */
const MEASURE = `
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print("peak:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
`;

/** Runs a script in which `MEASURED` is the executable. */
async function runMeasured(
  script: string,
  env: Record<string, string> = {},
): Promise<{ code: number; peakKibibytes: number; stderr: string }> {
  const measured = `python3 -c "$MEASURE" ${executable()}`;
  const child = new Deno.Command("sh", {
    args: ["-c", script.replace("MEASURED", measured)],
    env: { MEASURE, ...env },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  using _ = mortal(child, { deadlineMs: 60_000 });
  const output = await child.output();
  const stderr = new TextDecoder().decode(output.stderr);
  const peakKibibytes = Number(/^peak: (\d+)$/m.exec(stderr)?.[1]);
  return { code: output.code, peakKibibytes, stderr };
}
