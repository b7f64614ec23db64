/**
 * `deno task test`: gets and starts what the tests need, runs them all, and cleans up.
 *
 * @module
 */
import { compile } from "./compile.ts";
import { say } from "./console.ts";
import { canInstallPackages, howToInstall, installPackages } from "./debian_packages.ts";
import { startBroker } from "./kafka/mod.ts";
import { findLibfaketime } from "./libfaketime.ts";

const ROOT = new URL("..", import.meta.url).pathname;

/** Debian's packages of the programs that tests start, by command. */
const PACKAGES: Readonly<Record<string, string>> = {
  kcat: "kcat",
  // Kafka is content with less, but an endpoint of the tests is a program in Java's source.
  javac: "default-jdk-headless",
  // Networks of their own, in which names have the addresses that a test gives them.
  ip: "iproute2",
  unshare: "util-linux",
  nginx: "nginx-light",
  // Without the service.
  apache2: "apache2-bin",
  caddy: "caddy",
  php: "php-cli",
  gunicorn: "gunicorn",
  node: "nodejs",
  go: "golang-go",
};

/** The same for files. */
const PACKAGES_OF_FILES: Readonly<Record<string, string>> = {
  "/usr/share/java/tomcat10-embed-core.jar": "libtomcat10-embed-java",
};

/** Tests wait for brokers and pauses more than they compute. */
const FILES_AT_ONCE = navigator.hardwareConcurrency + 1;

interface Counts {
  passed: number;
  failed: number;
  ignored: number;
}

const SUMMARY =
  /(\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/g;

async function runTests(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Counts> {
  say(`\n== ${name}`);
  const child = new Deno.Command(Deno.execPath(), {
    // `deno task check` looks at types; without this, each Worker that a test starts would check its own.
    args: ["test", "--no-prompt", "--frozen", "--no-check", "--parallel", ...args],
    cwd: ROOT,
    env: { DENO_JOBS: String(FILES_AT_ONCE), ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const { output, code } = await shownOutput(child);
  const last = [...output.matchAll(SUMMARY)].at(-1);
  const [passed = 0, failed = 0, ignored = 0] = last?.slice(1).map((count) => Number(count ?? 0)) ??
    [];
  // A group that does not compile, or leaks, or ran nothing has failed as well.
  const unseen = failed === 0 && (code !== 0 || passed === 0);
  return { passed, failed: unseen ? 1 : failed, ignored };
}

/** The fault suite is no Deno test: its rows count as tests. */
async function runFaultSuite(env: Record<string, string>): Promise<Counts> {
  say("\n== fault suite, short form");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--frozen", "faults/main.ts"],
    cwd: ROOT,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const { output, code } = await shownOutput(child);
  const [, passed = 0, failed = 0] =
    /^(\d+) rows passed, (\d+) failed$/m.exec(output)?.map(Number) ??
      [];
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, ignored: 0 };
}

/** Shows what a process writes, and resolves with it once it has ended. */
async function shownOutput(child: Deno.ChildProcess): Promise<{ output: string; code: number }> {
  let output = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    await Deno.stdout.write(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  return { output, code: (await child.status).code };
}

/** Makes sure of what only the tests need. */
async function requirePackages(): Promise<void> {
  const packages: string[] = [];
  for (const [command, name] of Object.entries(PACKAGES)) {
    if (!await succeeds(`command -v ${command}`)) packages.push(name);
  }
  for (const [file, name] of Object.entries(PACKAGES_OF_FILES)) {
    if (!await succeeds(`test -e ${file}`)) packages.push(name);
  }
  if (await findLibfaketime() === undefined) packages.push("libfaketime");
  if (packages.length === 0) return;
  if (!await canInstallPackages()) {
    throw new Error(`${packages.join(" and ")} are missing. ${await howToInstall(packages)}`);
  }
  say(`installing ${packages.join(" and ")}`);
  await installPackages(packages);
}

async function succeeds(script: string): Promise<boolean> {
  const command = new Deno.Command("sh", { args: ["-c", script], stdout: "null" });
  return (await command.output()).success;
}

async function runAll(): Promise<Counts[]> {
  const groups = [
    await runTests("unit tests (no permissions)", [
      "--ignore=tests/integration,tests/end_to_end",
      "tests",
    ]),
  ];

  await requirePackages();
  await using broker = await startBroker({ say });
  say(`broker at ${broker.bootstrapServer} (${broker.how})`);
  const directory = await Deno.makeTempDir({ prefix: "eventor-test-" });
  try {
    const executable = `${directory}/eventor`;
    say("\ncompiling the executable");
    const problem = await compile(executable);
    const env = { EVENTOR_TEST_BROKER: broker.bootstrapServer, EVENTOR_EXECUTABLE: executable };
    if (problem === null) {
      groups.push(
        await runTests("integration tests, and end-to-end tests with the compiled executable", [
          "-A",
          "tests/end_to_end",
          "tests/integration",
        ], env),
      );
      groups.push(await runFaultSuite(env));
    } else {
      groups.push(await runTests("integration tests", ["-A", "tests/integration"], env));
      const required = Deno.env.get("EVENTOR_REQUIRE_BINARY") === "1";
      say(
        `\n!! THE END-TO-END TESTS AND THE FAULT SUITE DID NOT RUN: the executable cannot be compiled here.\n${problem}`,
      );
      groups.push({ passed: 0, failed: required ? 1 : 0, ignored: required ? 0 : 1 });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  return groups;
}

let exitCode = 1;
try {
  const groups = await runAll();
  const total = (kind: keyof Counts) => groups.reduce((sum, group) => sum + group[kind], 0);
  const ignored = total("ignored");
  say(
    `\n${total("passed")} passed, ${total("failed")} failed${
      ignored > 0 ? `, ${ignored} skipped` : ""
    }`,
  );
  exitCode = total("failed") === 0 ? 0 : 1;
} catch (error) {
  say(`\ncannot run the tests: ${error instanceof Error ? error.message : error}`);
}
Deno.exit(exitCode);
