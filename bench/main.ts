/**
 * `deno task bench`: measures the compiled executable between a real broker and an endpoint in another process, and
 * prints one Markdown table. What it is doing goes to standard error.
 *
 * @module
 */
import { optionsOrUsage } from "./command_line.ts";
import { describeMachine, warningOfOtherLoad } from "./machine.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import type { Bench, Figures } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { executable, print, say, Surroundings } from "./surroundings.ts";
import { markdownTable, type Row } from "./table.ts";

async function run(options: Options): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const surroundings = stack.use(await Surroundings.start());
  const bench: Bench = {
    options,
    broker: surroundings.broker,
    command: [await executable(stack)],
    endpoint: (behaviour) => surroundings.endpoint(behaviour),
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

const options = optionsOrUsage(parseOptions, { usage: USAGE, known: SCENARIOS, what: "scenario" });
let exitCode = 1;
try {
  say(await describeMachine());
  const warning = await warningOfOtherLoad();
  if (warning !== undefined) say(warning);
  print(markdownTable(await run(options)));
  exitCode = 0;
} catch (error) {
  say(`cannot measure: ${error instanceof Error ? error.message : error}`);
}
Deno.exit(exitCode);
