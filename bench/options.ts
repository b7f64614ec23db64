import { parseArgs } from "@std/cli/parse-args";
import { numbersOf, positive } from "./command_line.ts";

/** What is to be measured, as the command line says it. */
export interface Options {
  /** Numbers of scenarios; all when empty. */
  readonly only: readonly number[];
  /** Instead of each scenario's own number of events. */
  readonly events: number | undefined;
  readonly repeat: number;
  /** Whether this only shows that everything works: its figures mean nothing. */
  readonly short: boolean;
  /** Further keys of the pipeline, such as `maxLookahead: 5000`, in the order in which they were given. */
  readonly pipelineKeys: readonly string[];
}

export const USAGE = `Usage: deno task bench [options]

  --only 2,3           run these scenarios only
  --events N           take N events in the scenarios that drain a backlog (in 4, at most 2000)
  --repeat N           run everything N times and show medians, with minimum and maximum
  --short              a few hundred events a scenario: shows that it works, measures nothing
  --config key=value   a further key of the pipeline, such as maxLookahead=5000; may be repeated

EVENTOR_TEST_BROKER (host:port) and EVENTOR_EXECUTABLE (a path) are used instead of starting a
broker and compiling.`;

/** @throws {TypeError} when the arguments are not as {@linkcode USAGE} says */
export function parseOptions(args: readonly string[]): Options {
  const flags = parseArgs([...args], {
    string: ["only", "events", "repeat", "config"],
    boolean: ["short"],
    collect: ["config"],
    unknown: (argument: string) => {
      throw new TypeError(`there is no option '${argument}'`);
    },
  });
  return {
    only: numbersOf(flags.only),
    events: flags.events === undefined ? undefined : positive("--events", flags.events),
    repeat: positive("--repeat", flags.repeat ?? "1"),
    short: flags.short,
    pipelineKeys: flags.config.map(pipelineKey),
  };
}

/** A line of YAML from `key=value`. */
export function pipelineKey(text: string): string {
  const [, key, value] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (key === undefined) throw new TypeError(`--config takes key=value, not '${text}'`);
  return `${key}: ${value}`;
}
