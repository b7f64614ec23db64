/** What the command lines of the benchmark and of the fault suite have in common. */
import { say } from "./surroundings.ts";

/** @throws {TypeError} when `text` is anything else */
export function positive(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new TypeError(`${option} takes whole numbers above zero, not '${text}'`);
}

/** The numbers of `--only`; none when it is left out. */
export function numbersOf(only: string | undefined): readonly number[] {
  return only?.split(",").map((text) => positive("--only", text)) ?? [];
}

/**
 * The options of the command line. When they are wrong, prints why, with the usage, and exits with 2.
 *
 * @param known what `--only` can name; `what` is its name in messages
 */
export function optionsOrUsage<Options extends { readonly only: readonly number[] }>(
  parse: (args: readonly string[]) => Options,
  { usage, known, what }: {
    usage: string;
    known: readonly { readonly number: number }[];
    what: string;
  },
): Options {
  try {
    const options = parse(Deno.args);
    const unknown = options.only.find((only) => !known.some(({ number }) => number === only));
    if (unknown !== undefined) throw new TypeError(`there is no ${what} ${unknown}`);
    return options;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    say(`${error.message}\n\n${usage}`);
    Deno.exit(2);
  }
}
