import { assert, assertEquals } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { formatProblem, loadConfig } from "../../src/config/mod.ts";
import { CertificateAuthority } from "../support/certificate_authority.ts";
import { withTables } from "../../tools/readme_tables.ts";

const ROOT = new URL("../../", import.meta.url);
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

Deno.test("README.md has the tables of today; tools/readme_tables.ts writes them", () => {
  const readme = read("README.md");
  assertEquals(readme, withTables(readme));
});

for (const file of ["README.md", "CONTRIBUTING.md", "kafka/README.md"]) {
  Deno.test(`${file} names tasks that exist`, () => {
    const names = [...read(file).matchAll(TASK)].map(([, name]) => name);
    assert(names.length > 0);
    const tasks = Object.keys(project.tasks);
    assertEquals(names.filter((name) => name === undefined || !tasks.includes(name)), []);
  });
}

Deno.test("README.md has examples that are valid configurations", () => {
  const examples = [...read("README.md").matchAll(YAML)].map(([, text = ""]) => text)
    .filter((text) => !text.startsWith("apiVersion:"));
  assert(examples.length > 0);
  const problems = examples.flatMap((text, index) => {
    const loaded = loadConfig([{ name: `example ${index + 1}`, text }], OUTSIDE);
    return "problems" in loaded ? loaded.problems.map(formatProblem) : [];
  });
  assertEquals(problems, []);
});

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}
