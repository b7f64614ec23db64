/**
 * `deno task compile`: makes the executable. `deno compile` takes the runtime for it from where DENORT_BIN points, or
 * else downloads it; DENO_COMPILE names the deno that fits such a runtime, when it is not the one that runs this.
 *
 * @module
 */
import { say } from "./console.ts";

const ROOT = new URL("..", import.meta.url).pathname;

/** What the main isolate may do. It hands each pipeline's Worker only what that pipeline needs. */
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-env"];

/**
 * What `bench/README.md` found to give the most speed for its memory: a young generation that is large enough for calls
 * to end before it is collected, an old one that is collected before it has grown by much, and the collector in the
 * thread that it is for. V8's compiler keeps a thread of its own: an optimization would hold up events for 10 to 20 ms.
 */
export const V8_FLAGS: readonly string[] = [
  "--max-semi-space-size=8",
  "--heap-growing-percent=15",
  "--single-threaded-gc",
];

/** Modules that only Workers load, which the compiler cannot find by following imports. */
export const WORKERS: readonly string[] = [
  "src/process/config_worker.ts",
  "src/process/pipeline_worker.ts",
  "src/process/discovery_worker.ts",
  "src/process/redrive_worker.ts",
  "src/process/try_worker.ts",
];

/** Options of `deno run` that give the program what the executable has. */
export const RUN_ARGUMENTS: readonly string[] = ["run", "--frozen", ...PERMISSIONS, "main.ts"];

/** Compiles to `output`. Resolves with null, or with what the compiler said when it failed. */
export async function compile(output: string): Promise<string | null> {
  const { code, stderr } = await new Deno.Command(Deno.env.get("DENO_COMPILE") ?? Deno.execPath(), {
    args: [
      "compile",
      "--quiet",
      "--frozen",
      "--no-prompt",
      `--v8-flags=${V8_FLAGS.join(",")}`,
      ...PERMISSIONS,
      ...WORKERS.flatMap((module) => ["--include", module]),
      "--output",
      output,
      "main.ts",
    ],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).output();
  return code === 0 ? null : new TextDecoder().decode(stderr).trim();
}

if (import.meta.main) {
  const output = Deno.args[0] ?? `${ROOT}eventor`;
  const problem = await compile(output);
  say(problem === null ? `compiled ${output}` : `cannot compile: ${problem}`);
  Deno.exit(problem === null ? 0 : 1);
}
