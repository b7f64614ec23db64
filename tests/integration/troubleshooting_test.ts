import { assert, assertEquals } from "@std/assert";
import { sourceTexts, textsOfCalls } from "../support/source_texts.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGE = Deno.readTextFileSync(new URL("docs/troubleshooting.md", ROOT));

/** Log lines for which a heading would say nothing more. */
const SELF_EXPLANATORY = [
  /^the endpoint (?:accepts calls|answers) again/,
  /^second signal \(.*: exiting immediately$/,
];

/** Parts that the source puts together from several texts, or that come from libraries. */
const PUT_TOGETHER = [
  "connection refused (ECONNREFUSED)",
  "host name not found (ENOTFOUND)",
  "cannot publish the result of",
  "trying again in",
  "The request included a message larger than",
];

function sourcesOf(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return sourcesOf(`${folder}${name}/`);
    return name.endsWith(".ts") ? [Deno.readTextFileSync(new URL(folder + name, ROOT))] : [];
  });
}

const SOURCES = sourcesOf("src/");

/** The messages in the page's headings. */
function headings(): string[] {
  const [page = ""] = PAGE.split(/^## Symptoms without a message$/m);
  return [...page.matchAll(/^### (.*)$/gm)]
    .flatMap(([, heading = ""]) => [...heading.matchAll(/`([^`]+)`/g)])
    .map(([, message = ""]) => message);
}

/** The parts of a message that stay the same, of several words each. */
function fixedParts(message: string): string[] {
  return message.split(/…|'[^']*'|\S*\d\S*|\S*\[\S*|[:;,] /)
    .map((part) => part.replaceAll(/\s+/g, " ").trim())
    .filter((part) => part.split(" ").length >= 3);
}

Deno.test("each heading of troubleshooting.md is a message of the source", () => {
  const texts = [...SOURCES, ...sourcesOf("tools/")].flatMap(sourceTexts).map(({ text }) => text);
  const known = [...texts, ...PUT_TOGETHER].join("\n");
  const unknown = headings().flatMap((message) =>
    fixedParts(message).filter((part) => !known.includes(part)).map((part) => `${message}: ${part}`)
  );
  assertEquals(unknown, []);
});

Deno.test("each text of a WARN or ERROR line has a heading in troubleshooting.md", () => {
  const known = headings().join("\n");
  const calls = SOURCES.flatMap((source) =>
    ["warn", "error"].flatMap((method) => textsOfCalls(source, method))
  );
  assert(calls.length > 20);
  const missing = calls.filter((texts) => {
    const parts = texts.flatMap(fixedParts);
    return parts.length > 0 && !parts.some((part) => known.includes(part)) &&
      !SELF_EXPLANATORY.some((pattern) => texts.some((text) => pattern.test(text)));
  });
  assertEquals(missing, []);
});
