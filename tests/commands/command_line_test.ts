import { assertEquals } from "@std/assert";
import {
  type Command,
  EXIT_CODE,
  parseCommandLine,
  USAGE,
} from "../../src/commands/command_line.ts";

const COMMANDS: { args: string; command: Command }[] = [
  { args: "-f a.yaml", command: { kind: "run", files: ["a.yaml"] } },
  { args: "run -f a.yaml", command: { kind: "run", files: ["a.yaml"] } },
  { args: "-f a.yaml run", command: { kind: "run", files: ["a.yaml"] } },
  { args: "--file a.yaml", command: { kind: "run", files: ["a.yaml"] } },
  { args: "--file=a.yaml", command: { kind: "run", files: ["a.yaml"] } },
  { args: "-f a -f b --file c", command: { kind: "run", files: ["a", "b", "c"] } },
  { args: "-f -", command: { kind: "run", files: ["-"] } },
  { args: "-f 1e3", command: { kind: "run", files: ["1e3"] } },
  { args: "-f a --log-format json", command: { kind: "run", files: ["a"], logFormat: "json" } },
  { args: "-f a --log-format=text", command: { kind: "run", files: ["a"], logFormat: "text" } },
  { args: "check -f a", command: { kind: "check", files: ["a"], online: false } },
  { args: "check -f a --online", command: { kind: "check", files: ["a"], online: true } },
  { args: "--online check -f a", command: { kind: "check", files: ["a"], online: true } },
  {
    args: "redrive -f a --pipeline orders",
    command: { kind: "redrive", files: ["a"], pipeline: "orders", dryRun: false },
  },
  {
    args: "redrive -f a --pipeline 7 --filter status=503 --limit 10 --dry-run",
    command: {
      kind: "redrive",
      files: ["a"],
      pipeline: "7",
      filter: { name: "status", value: "503" },
      limit: 10,
      dryRun: true,
    },
  },
  {
    args: "redrive -f a --pipeline orders --filter=source-topic=a=b",
    command: {
      kind: "redrive",
      files: ["a"],
      pipeline: "orders",
      filter: { name: "source-topic", value: "a=b" },
      dryRun: false,
    },
  },
  {
    args: "try -f a --pipeline orders",
    command: { kind: "try", files: ["a"], pipeline: "orders", headers: [] },
  },
  {
    args: "try -f a --pipeline orders --key 007 --header a=b=c --header=a= --header b=2",
    command: {
      kind: "try",
      files: ["a"],
      pipeline: "orders",
      key: "007",
      headers: [["a", "b=c"], ["a", ""], ["b", "2"]],
    },
  },
  {
    args: "try -f a --pipeline orders --key=",
    command: { kind: "try", files: ["a"], pipeline: "orders", key: "", headers: [] },
  },
  { args: "schema", command: { kind: "schema" } },
  { args: "--version", command: { kind: "version" } },
  { args: "--help", command: { kind: "help" } },
  { args: "-h", command: { kind: "help" } },
  { args: "check --help", command: { kind: "help" } },
];

for (const { args, command } of COMMANDS) {
  Deno.test(`parseCommandLine() understands '${args}'`, () => {
    assertEquals(parseCommandLine(args.split(" ")), command);
  });
}

const FILTERS = "reason, status, attempts, redrives, source-topic, source-partition, source-offset";

const MISUSES: { args: string; problem: string }[] = [
  { args: "", problem: "no configuration; specify one with -f FILE" },
  { args: "check", problem: "no configuration; specify one with -f FILE" },
  { args: "-f", problem: "-f needs a file name" },
  { args: "--file=", problem: "-f needs a file name" },
  { args: "-f --online check", problem: "-f needs a file name" },
  { args: "-f a --fiel b", problem: "unknown option --fiel" },
  { args: "-f a -x -y=1", problem: "unknown option -x, -y" },
  { args: "-f a --no-file", problem: "unknown option --no-file" },
  { args: "-f a --constructor", problem: "unknown option --constructor" },
  { args: "-f a --__proto__=1", problem: "unknown option --__proto__" },
  { args: "-f a --_ b", problem: "unknown option --_" },
  { args: "start -f a", problem: "unknown command 'start'" },
  { args: "toString -f a", problem: "unknown command 'toString'" },
  { args: "a.yaml", problem: "unknown command 'a.yaml'" },
  { args: "run a.yaml", problem: "unexpected argument 'a.yaml'" },
  { args: "check -f a -- --online", problem: "unexpected argument '--online'" },
  { args: "-f a --online", problem: "--online is not an option of 'run'" },
  { args: "check -f a --log-format json", problem: "--log-format is not an option of 'check'" },
  { args: "schema -f a", problem: "--file is not an option of 'schema'" },
  {
    args: "-f a --log-format xml",
    problem: "--log-format must be text or json, found 'xml'",
  },
  { args: "redrive --pipeline a", problem: "no configuration; specify one with -f FILE" },
  { args: "redrive -f a", problem: "no pipeline; specify one with --pipeline NAME" },
  { args: "redrive -f a --pipeline", problem: "no pipeline; specify one with --pipeline NAME" },
  { args: "-f a --pipeline b", problem: "--pipeline is not an option of 'run'" },
  { args: "check -f a --limit 1", problem: "--limit is not an option of 'check'" },
  { args: "-f a --filter status=1", problem: "--filter is not an option of 'run'" },
  { args: "-f a --dry-run", problem: "--dry-run is not an option of 'run'" },
  {
    args: "redrive -f a --pipeline b --log-format json",
    problem: "--log-format is not an option of 'redrive'",
  },
  ...["status", "status=", "=503", "colour=red", "Status=503", "message=x", ""].map((filter) => ({
    args: `redrive -f a --pipeline b --filter=${filter}`,
    problem: `--filter must be NAME=VALUE with one of ${FILTERS}, found '${filter}'`,
  })),
  {
    args: "redrive -f a --pipeline b --filter status=503 --filter reason=status",
    problem: "--filter can be given once",
  },
  ...["0", "-1", "1.5", "ten", "1e3", ""].map((limit) => ({
    args: `redrive -f a --pipeline b --limit=${limit}`,
    problem: `--limit must be a positive whole number, found '${limit}'`,
  })),
  { args: "try --pipeline a", problem: "no configuration; specify one with -f FILE" },
  { args: "try -f a", problem: "no pipeline; specify one with --pipeline NAME" },
  { args: "try -f a --pipeline b --dry-run", problem: "--dry-run is not an option of 'try'" },
  { args: "redrive -f a --pipeline b --key k", problem: "--key is not an option of 'redrive'" },
  { args: "-f a --header a=b", problem: "--header is not an option of 'run'" },
  ...["s3cr3t", "=s3cr3t", ""].map((header) => ({
    args: `try -f a --pipeline b --header=${header}`,
    problem: "--header must be NAME=VALUE",
  })),
  { args: "try -f a --pipeline b --hedaer=s3cr3t", problem: "unknown option --hedaer" },
  { args: "-f a --log-format", problem: "--log-format must be text or json, found ''" },
];

for (const { args, problem } of MISUSES) {
  Deno.test(`parseCommandLine() says what is wrong with '${args}'`, () => {
    const command = parseCommandLine(args === "" ? [] : args.split(" "));
    assertEquals(command, { kind: "misuse", problem });
  });
}

Deno.test("parseCommandLine() leaves its arguments as they are", () => {
  const args = Object.freeze(["check", "-f", "a"]);
  parseCommandLine(args);
  assertEquals(args, ["check", "-f", "a"]);
});

Deno.test("EXIT_CODE is what scripts depend on", () => {
  assertEquals(EXIT_CODE, { stopped: 0, failed: 1, misuse: 2 });
});

Deno.test("USAGE names every option and fits a terminal", () => {
  const options = [
    "file",
    "log-format",
    "online",
    "pipeline",
    "filter",
    "limit",
    "dry-run",
    "key",
    "header",
  ];
  for (const word of [...options, "version", "help"].map((option) => `--${option}`)) {
    assertEquals(USAGE.includes(word), true, word);
  }
  assertEquals(USAGE.split("\n").filter((line) => line.length > 120), []);
});
