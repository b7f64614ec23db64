/**
 * `deno task bench`: measures the compiled executable between a real broker and an endpoint in another process, and
 * prints one Markdown table. What it is doing goes to standard error.
 *
 * @module
 */
import { compile } from "../tools/compile.ts";
import { startBroker } from "../tools/kafka/mod.ts";
import { Endpoints } from "./endpoint_process.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import type { Figures } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { markdownTable, type Row } from "./table.ts";

const TEXT_ENCODER = new TextEncoder();

function say(line: string): void {
  Deno.stderr.writeSync(TEXT_ENCODER.encode(`${line}\n`));
}

/** The path of the executable: the one that is named from outside, or one that is gone with the stack. */
async function executable(stack: AsyncDisposableStack): Promise<string> {
  const given = Deno.env.get("EVENTOR_EXECUTABLE");
  if (given !== undefined) return given;
  const directory = await Deno.makeTempDir({ prefix: "eventor-bench-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const path = `${directory}/eventor`;
  say("compiling the executable");
  const problem = await compile(path);
  if (problem !== null) {
    throw new Error(`cannot compile; name an executable in EVENTOR_EXECUTABLE:\n${problem}`);
  }
  return path;
}

async function bootstrapServer(stack: AsyncDisposableStack): Promise<string> {
  const given = Deno.env.get("EVENTOR_TEST_BROKER");
  if (given !== undefined) return given;
  say("starting a broker");
  return stack.use(await startBroker({ requireJvm: true, say })).bootstrapServer;
}

async function run(options: Options): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const endpoints = stack.use(new Endpoints());
  const bench = {
    options,
    broker: await bootstrapServer(stack),
    executable: await executable(stack),
    endpoint: (latencyMs: number) => endpoints.url(latencyMs),
    say,
  };
  const chosen = SCENARIOS.filter(({ number }) =>
    options.only.length === 0 || options.only.includes(number)
  );
  const rows = chosen.map((scenario) => ({ scenario, runs: [] as Figures[] }));
  // Round by round: what else the machine does then falls on all scenarios alike.
  for (let round = 1; round <= options.repeat; round++) {
    for (const { scenario, runs } of rows) {
      say(`\n[${round}/${options.repeat}] ${scenario.number}. ${scenario.name}`);
      const figures = await scenario.run(bench);
      say(JSON.stringify(figures));
      runs.push(figures);
    }
  }
  return rows;
}

function optionsOrUsage(): Options {
  try {
    return parseOptions(Deno.args);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    say(`${error.message}\n\n${USAGE}`);
    Deno.exit(2);
  }
}

const options = optionsOrUsage();
let exitCode = 1;
try {
  const rows = await run(options);
  Deno.stdout.writeSync(TEXT_ENCODER.encode(`${markdownTable(rows)}\n`));
  exitCode = 0;
} catch (error) {
  say(`cannot measure: ${error instanceof Error ? error.message : error}`);
}
Deno.exit(exitCode);
