/**
 * `deno task test:faults`: takes events through the compiled executable, a real broker and an endpoint while things
 * fail, and checks afterwards that nothing was lost, reordered or committed too early. What it is doing goes to standard
 * error, one line for each row and the table to standard output.
 *
 * @module
 */
import { describeMachine } from "../bench/machine.ts";
import { executable, print, say } from "../bench/surroundings.ts";
import { startBroker } from "../tools/kafka/mod.ts";
import { optionsOrUsage } from "../bench/command_line.ts";
import { messageOf, whenWeDie } from "../tools/processes.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import type { Row, Size } from "./row.ts";
import { ROWS } from "./rows/mod.ts";
import { runRow } from "./run_row.ts";
import { markdownTable, type RowResult, summary } from "./table.ts";

/** So that the group learns of a killed member within seconds. */
const BROKER_PROPERTIES = { "group.min.session.timeout.ms": "1000" };

function sizeOf(row: Row, { long, scale }: Options): Size | null {
  const size = long ? row.long : row.short;
  if (size === null) return null;
  return {
    ...size,
    events: Math.ceil(size.events * scale),
    faults: Math.ceil(size.faults * scale),
  };
}

async function run(options: Options): Promise<RowResult[]> {
  await using stack = new AsyncDisposableStack();
  const command = [await executable(stack)];
  const directory = await Deno.makeTempDir({ prefix: "eventor-faults-" });
  const dismissGuard = whenWeDie('rm -rf "$1"', [directory]);
  stack.defer(async () => {
    await Deno.remove(directory, { recursive: true });
    await dismissGuard();
  });
  const broker = stack.use(
    await startBroker({ requireJvm: true, properties: BROKER_PROPERTIES, say }),
  );
  const surroundings = {
    broker,
    command,
    directory,
    isLong: options.long,
    seed: options.seed,
  };
  const results: RowResult[] = [];
  for (const row of ROWS) {
    const size = sizeOf(row, options);
    const isChosen = options.only.length === 0 || options.only.includes(row.number);
    if (size === null || !isChosen) continue;
    let result = await runRow(row, { size, surroundings });
    show(result, options);
    if (!options.long && isLateAlone(result)) {
      print("       once more, as a busy machine may be late");
      result = await runRow(row, { size, surroundings });
      show(result, options);
    }
    results.push(result);
  }
  return results;
}

function show(result: RowResult, { seed }: Options): void {
  print(summary(result));
  for (const { invariant, message, examples } of result.verdict.violations) {
    print(`       ${invariant}: ${message} (seed ${seed})`);
    for (const example of examples) print(`         ${example}`);
  }
}

/** How a row words that something had not come about when its time was over. */
const LATE = /\bNot within \d+ ms:|^Not committed, as nothing was for \d+ ms:/;

/** Whether a row has failed, and only by time. What else it expects of itself counts as all invariants do. */
function isLateAlone({ verdict: { violations } }: RowResult): boolean {
  return violations.length > 0 &&
    violations.every(({ invariant, message, examples }) =>
      invariant === "I7" ||
      // No more than the first cases are there to be looked at.
      invariant === "row" && message.startsWith(`${examples.length} × `) &&
        examples.every((example) => LATE.test(example))
    );
}

const options = optionsOrUsage(parseOptions, { usage: USAGE, known: ROWS, what: "row" });
let exitCode = 1;
try {
  const about = `seed ${options.seed}, ${options.long ? "long" : "short"} form, ` +
    `${new Date().toISOString().slice(0, 10)}, ${await describeMachine()}`;
  say(about);
  const results = await run(options);
  const table = `${markdownTable(results)}\n\n${about}`;
  print(`\n${table}`);
  if (options.table !== undefined) await Deno.writeTextFile(options.table, `${table}\n`);
  const failed = results.filter(({ verdict }) => verdict.violations.length > 0).length;
  print(`\n${results.length - failed} rows passed, ${failed} failed`);
  if (results.length === 0) say("nothing was run: no chosen row has this form");
  exitCode = failed === 0 && results.length > 0 ? 0 : 1;
} catch (error) {
  say(`cannot run the fault suite: ${messageOf(error)}`);
}
Deno.exit(exitCode);
