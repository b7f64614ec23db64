import { assert, assertEquals } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { loadConfig } from "../../src/config/mod.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { titlesOf, withTables } from "../../tools/key_tables.ts";
import { keyTables } from "../../tools/schema_tables.ts";
import { CertificateAuthority } from "../support/tls/certificate_authority.ts";
import { anchorsOf, relativeLinksOf } from "../support/markdown.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGES = [...Deno.readDirSync(new URL("docs/", ROOT))].map(({ name }) => `docs/${name}`)
  .filter((path) => path.endsWith(".md")).sort();
const TASK = /\b(?:deno|denow) task ([a-z][a-z:]*)/g;
const YAML = /^```yaml\n(.*?)^```$/gms;

const AUTHORITY = new CertificateAuthority();
const CLIENT = AUTHORITY.clientCertificate();

/** Every variable and every file can be had; what a file holds is told by its name. */
const OUTSIDE = {
  env: () => "kafka:9092",
  readFile(path: string) {
    if (/key\.pem$/.test(path)) return CLIENT.key;
    if (/ca\.pem$/.test(path)) return AUTHORITY.cert;
    return /\.pem$/.test(path) ? CLIENT.cert : "text";
  },
};

for (const page of PAGES) {
  Deno.test(`${page} has the tables of today; tools/key_tables.ts writes them`, () => {
    const text = read(page);
    assertEquals(text, withTables(text));
  });
}

Deno.test("each table of configuration keys stands in one page of docs/", () => {
  const titles = PAGES.flatMap((page) => titlesOf(read(page)));
  assertEquals(titles.sort(), [...keyTables().keys()].sort());
});

for (const page of ["README.md", ...PAGES]) {
  Deno.test(`${page} has examples that are valid configurations`, () => {
    assertEquals(examplesOf(page).flatMap(problemsOf), []);
  });
}

Deno.test("README.md has an example of a configuration", () => {
  assert(examplesOf("README.md").length > 0);
});

for (const page of ["README.md", "CONTRIBUTING.md", "kafka/README.md"]) {
  Deno.test(`${page} names tasks that exist`, () => {
    const names = [...read(page).matchAll(TASK)].map(([, name]) => name);
    assert(names.length > 0);
    const tasks = Object.keys(project.tasks);
    assertEquals(names.filter((name) => name === undefined || !tasks.includes(name)), []);
  });
}

const PAGES_OF_COLLEAGUES = [
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "bench/README.md",
  "faults/README.md",
  "src/README.md",
  "src/transports/http/README.md",
  "src/transports/kafka/README.md",
];

for (const page of ["README.md", ...PAGES, ...PAGES_OF_COLLEAGUES]) {
  Deno.test(`${page} has relative links that lead somewhere`, () => {
    assertEquals(relativeLinksOf(read(page)).filter((link) => !leadsSomewhere(page, link)), []);
  });
}

Deno.test("README.md leads to each page of docs/", () => {
  const links = relativeLinksOf(read("README.md")).map((link) => link.replace(/#.*$/, ""));
  assertEquals(PAGES.filter((page) => !links.includes(page)), []);
});

Deno.test("anchorsOf() gives headings the anchors of GitHub", () => {
  const page = [
    "# What it is",
    "## `auth` of type `oauth2` of an `eventHandler`",
    "## cannot read ORDERS[0]@38: no broker leads it; …",
    "## See [TLS](http.md#tls), max_age and the rest",
    "## What it is",
    "```sh",
    "# no heading",
    "```",
  ].join("\n");
  assertEquals([...anchorsOf(page)], [
    "what-it-is",
    "auth-of-type-oauth2-of-an-eventhandler",
    "cannot-read-orders038-no-broker-leads-it-",
    "see-tls-max_age-and-the-rest",
    "what-it-is-1",
  ]);
});

Deno.test("relativeLinksOf() finds what is no code and no other site", () => {
  const page = [
    "[one](a.md#b), [`two`](#c), [three](https://example.com), [four",
    "goes on](../d.ts), `[five](e.md)`",
    "```md",
    "[six](f.md)",
    "```",
  ].join("\n");
  assertEquals(relativeLinksOf(page), ["a.md#b", "#c", "../d.ts"]);
});

interface Example {
  readonly name: string;
  readonly text: string;
}

/** The configurations of a page, named by their lines. */
function examplesOf(page: string): readonly Example[] {
  const text = read(page);
  return [...text.matchAll(YAML)]
    .map(({ 1: example = "", index }) => ({
      name: `${page}:${text.slice(0, index).split("\n").length}`,
      text: example,
    }))
    .filter(({ text }) => !text.startsWith("apiVersion:"));
}

function problemsOf(example: Example): readonly string[] {
  const loaded = loadConfig([example], OUTSIDE);
  return "problems" in loaded ? loaded.problems.map(formatProblem) : [];
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? new URL(page, ROOT) : new URL(path, new URL(page, ROOT));
  try {
    Deno.statSync(target);
    return anchor === undefined || anchorsOf(Deno.readTextFileSync(target)).has(anchor);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}
