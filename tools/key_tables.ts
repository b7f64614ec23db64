/**
 * Writes the tables of configuration keys into the pages of `docs/`. A page names its tables by their headings, between
 * markers; what stands below a heading is written anew.
 *
 *     deno run --allow-read --allow-write tools/key_tables.ts           rewrites the pages
 *     deno run --allow-read tools/key_tables.ts --check                 exits with 1 when that would change one
 */
import { keyTables } from "./schema_tables.ts";
import { say } from "./console.ts";

const DOCS = new URL("../docs/", import.meta.url);
const BEGIN = "<!-- tables:begin -->";
const END = "<!-- tables:end -->";
const BLOCK = new RegExp(`${BEGIN}.*?${END}`, "gs");
const TITLE = /^### (.*)$/gm;

/** The titles of the tables that a page has between its markers. */
export function titlesOf(page: string): readonly string[] {
  return [...page.matchAll(BLOCK)].flatMap(([block]) =>
    [...block.matchAll(TITLE)].map(([, title = ""]) => title)
  );
}

/** The page with the tables of today between its markers. Throws when it names a table that does not exist. */
export function withTables(page: string): string {
  const tables = keyTables();
  return page.replaceAll(BLOCK, (block) => {
    const written = titlesOf(block).map((title) => {
      const table = tables.get(title);
      if (table === undefined) throw new Error(`no table of keys has the title '${title}'`);
      return table;
    });
    // The formatter would align the cells, and every new key would change all lines of its table.
    return `${BEGIN}\n<!-- deno-fmt-ignore-start -->\n\n${written.join("\n\n")}\n\n` +
      `<!-- deno-fmt-ignore-end -->\n${END}`;
  });
}

async function main(): Promise<number> {
  const isCheck = Deno.args.includes("--check");
  const outdated: string[] = [];
  for await (const { name } of Deno.readDir(DOCS)) {
    if (!name.endsWith(".md")) continue;
    const file = new URL(name, DOCS);
    const page = await Deno.readTextFile(file);
    const updated = withTables(page);
    if (updated === page) continue;
    outdated.push(`docs/${name}`);
    if (!isCheck) await Deno.writeTextFile(file, updated);
  }
  if (outdated.length === 0) {
    say("docs/ has the tables of today");
    return 0;
  }
  say(
    isCheck
      ? `out of date: ${outdated.join(", ")}; run tools/key_tables.ts`
      : `wrote the tables of ${outdated.join(", ")}`,
  );
  return isCheck ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
