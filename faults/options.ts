import { parseArgs } from "@std/cli/parse-args";
import { numbersOf, positive } from "../bench/command_line.ts";

/** What is to be run, as the command line says it. */
export interface Options {
  readonly long: boolean;
  /** Of all that is random: the same seed, the same times of faults. */
  readonly seed: number;
  /** Numbers of rows; all when empty. */
  readonly only: readonly number[];
  /** Where the table is written to, besides standard output. */
  readonly table: string | undefined;
  /** What events and faults are multiplied with. */
  readonly scale: number;
}

export const USAGE = `Usage: deno task test:faults [options]

  --long        as many events and faults as the test plan says, instead of a few seconds a row
  --only 4,6    run these rows only
  --seed N      repeat the times of an earlier run's faults
  --scale F     multiply each row's events and faults by F, such as 0.1
  --table FILE  write the Markdown table to this file, too

EVENTOR_EXECUTABLE (a path) is used instead of compiling.`;

/** @throws {TypeError} when the arguments are not as {@linkcode USAGE} says */
export function parseOptions(args: readonly string[]): Options {
  const flags = parseArgs([...args], {
    string: ["only", "seed", "table", "scale"],
    boolean: ["long"],
    unknown: (argument: string) => {
      throw new TypeError(`there is no option '${argument}'`);
    },
  });
  return {
    long: flags.long,
    seed: flags.seed === undefined
      ? crypto.getRandomValues(new Uint16Array(1))[0]!
      : positive("--seed", flags.seed),
    only: numbersOf(flags.only),
    table: flags.table,
    scale: scaleOf(flags.scale ?? "1"),
  };
}

function scaleOf(text: string): number {
  const number = Number(text);
  if (number > 0 && number < Infinity) return number;
  throw new TypeError(`--scale takes a number above zero, not '${text}'`);
}
