/**
 * Writes the tables of the configuration into README.md, between its markers.
 *
 *     deno run --allow-read --allow-write tools/readme_tables.ts           rewrites README.md
 *     deno run --allow-read tools/readme_tables.ts --check                 exits with 1 when that would change it
 */
import { readmeTables } from "../src/config/readme_tables.ts";
import { say } from "./console.ts";

const README = new URL("../README.md", import.meta.url);
const BEGIN = "<!-- tables:begin -->";
const END = "<!-- tables:end -->";

/** The text with the tables of today between its markers. Throws when it has no markers. */
export function withTables(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`README.md needs ${BEGIN} and, later, ${END}`);
  // The formatter would align the cells, and every new key would change all lines of its table.
  const tables =
    `<!-- deno-fmt-ignore-start -->\n\n${readmeTables()}\n<!-- deno-fmt-ignore-end -->\n`;
  return `${readme.slice(0, begin)}${BEGIN}\n${tables}${readme.slice(end)}`;
}

async function main(): Promise<number> {
  const readme = await Deno.readTextFile(README);
  const updated = withTables(readme);
  if (updated === readme) {
    say("README.md has the tables of today");
    return 0;
  }
  if (Deno.args.includes("--check")) {
    say("the tables of README.md are out of date: run tools/readme_tables.ts");
    return 1;
  }
  await Deno.writeTextFile(README, updated);
  say("README.md: wrote the tables");
  return 0;
}

if (import.meta.main) Deno.exit(await main());
