import { parseArgs } from "@std/cli/parse-args";
import { LOG_FORMATS, type LogFormat } from "./log_writer.ts";

/** What the program was asked to do. */
export type Command =
  | { readonly kind: "run"; readonly files: readonly string[]; readonly logFormat?: LogFormat }
  | { readonly kind: "check"; readonly files: readonly string[]; readonly online: boolean }
  | { readonly kind: "schema" }
  | { readonly kind: "version" }
  | { readonly kind: "help" }
  | { readonly kind: "misuse"; readonly problem: string };

/** Keep this list small and stable: scripts and orchestrators depend on it. */
export const EXIT_CODE = { stopped: 0, failed: 1, misuse: 2 } as const;

export const USAGE =
  `eventor turns a synchronous HTTP API into an asynchronous, event-driven service.

Usage:
  eventor [run] -f FILE [--log-format text|json]   run every pipeline of the file
  eventor check -f FILE [--online]                 validate the file, show what each pipeline will do and may reach;
                                                   with --online also check brokers, topics and endpoints
  eventor schema                                   print the JSON Schema of the configuration, for editors
  eventor --version
  eventor --help

Options:
  -f, --file FILE       the configuration; may be repeated; - reads it from standard input
  --log-format FORMAT   text (default) or json; logs go to standard error

Exit codes: 0 stopped on request or at the end of input, 1 failed, 2 wrong usage or configuration.
`;

const FLAGS_OF_COMMAND: Readonly<Record<"run" | "check" | "schema", readonly string[]>> = {
  run: ["file", "log-format"],
  check: ["file", "online"],
  schema: [],
};

/** Reads the arguments. Never throws; what makes no sense becomes `misuse`. */
export function parseCommandLine(args: readonly string[]): Command {
  const unknown: string[] = [];
  const flags: ParsedFlags = parseArgs([...args], {
    boolean: ["help", "version", "online"],
    string: ["file", "log-format"],
    collect: ["file"],
    alias: { f: "file", h: "help" },
    unknown: (argument: string, name?: string) => {
      if (name === undefined) return true;
      unknown.push(argument);
      return false;
    },
  });
  if (flags.help) return { kind: "help" };
  if (flags.version) return { kind: "version" };
  if (unknown.length > 0) return misuse(`unknown option ${unknown.join(", ")}`);
  const [name = "run", ...rest] = flags._.map(String);
  if (!isCommandName(name)) return misuse(`unknown command '${name}'`);
  if (rest.length > 0) return misuse(`unexpected argument '${rest[0]}'`);
  return toCommand(name, flags);
}

interface ParsedFlags {
  /** Numbers are what looks like one. */
  readonly _: (string | number)[];
  readonly help: boolean;
  readonly version: boolean;
  readonly online: boolean;
  readonly file: string[];
  readonly "log-format"?: string;
}

function toCommand(name: keyof typeof FLAGS_OF_COMMAND, flags: ParsedFlags): Command {
  const { online, file: files, "log-format": logFormat } = flags;
  const given = [
    ...(files.length > 0 ? ["file"] : []),
    ...(online ? ["online"] : []),
    ...(logFormat === undefined ? [] : ["log-format"]),
  ];
  const misplaced = given.find((flag) => !FLAGS_OF_COMMAND[name].includes(flag));
  if (misplaced !== undefined) return misuse(`--${misplaced} does not go with '${name}'`);
  if (name === "schema") return { kind: "schema" };
  if (files.length === 0) return misuse("no configuration; name one with -f FILE");
  if (files.includes("")) return misuse("-f needs the name of a file");
  if (name === "check") return { kind: "check", files, online };
  if (logFormat === undefined) return { kind: "run", files };
  const format = LOG_FORMATS.find((format) => format === logFormat);
  if (format === undefined) {
    return misuse(`--log-format must be ${LOG_FORMATS.join(" or ")}, found '${logFormat}'`);
  }
  return { kind: "run", files, logFormat: format };
}

function isCommandName(name: string): name is keyof typeof FLAGS_OF_COMMAND {
  return Object.hasOwn(FLAGS_OF_COMMAND, name);
}

function misuse(problem: string): Command {
  return { kind: "misuse", problem };
}
