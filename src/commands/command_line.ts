import { parseArgs } from "@std/cli/parse-args";
import { filterNames, parseFilter } from "../core/redrive/selection.ts";
import { LOG_FORMATS, type LogFormat } from "../core/log.ts";
import type { RedriveSelection, TryEvent } from "../process/worker_messages.ts";
import { ORIGIN_FACTS } from "../transports/mod.ts";

const FILTER_NAMES = filterNames(ORIGIN_FACTS);

export type Command =
  | { readonly kind: "run"; readonly files: readonly string[]; readonly logFormat?: LogFormat }
  | { readonly kind: "check"; readonly files: readonly string[]; readonly online: boolean }
  | OfPipeline<"redrive"> & RedriveSelection
  | OfPipeline<"try"> & TryEvent
  | { readonly kind: "schema" }
  | { readonly kind: "version" }
  | { readonly kind: "help" }
  | { readonly kind: "misuse"; readonly problem: string };

interface OfPipeline<Kind> {
  readonly kind: Kind;
  readonly files: readonly string[];
  readonly pipeline: string;
}

/** Keep this list small and stable: scripts and orchestrators depend on it. */
export const EXIT_CODE = { stopped: 0, failed: 1, misuse: 2 } as const;

export const USAGE =
  `eventor turns a synchronous HTTP API into an asynchronous, event-driven service.

Usage:
  eventor [run] -f FILE [--log-format text|json]   run every pipeline of the file
  eventor check -f FILE [--online]                 validate the file, show what each pipeline does and may connect to;
                                                   with --online also check brokers, topics and endpoints
  eventor redrive -f FILE --pipeline NAME [--filter NAME=VALUE] [--limit N] [--dry-run]
                                                   put the pipeline's dead letters back onto its source topic
  eventor try -f FILE --pipeline NAME [--key KEY] [--header NAME=VALUE] < PAYLOAD
                                                   send one event to the endpoint; show the request, the
                                                   response and the records, but publish nothing
  eventor schema                                   print the JSON Schema of the configuration, for editors
  eventor --version
  eventor --help

Options:
  -f, --file FILE       the configuration; may be repeated; - reads it from standard input
  --log-format FORMAT   text (default) or json; logs go to standard error
  --filter NAME=VALUE   only dead letters with this value, such as status=503; NAME is one of
                        ${FILTER_NAMES.join(", ")};
                        each filter, like no filter, keeps its own position
  --limit N             N dead letters at most
  --dry-run             list the dead letters that would be put back, and change nothing
  --key KEY             the event's key; without it, it has none
  --header NAME=VALUE   a header of the event; may be repeated

Exit codes: 0 stopped on request or at the end of input, 1 failed, 2 wrong usage or configuration.
try: 0 if a running pipeline would now be done with the event, otherwise 1.
`;

const FLAGS_OF_COMMAND: Readonly<
  Record<"run" | "check" | "redrive" | "try" | "schema", readonly (keyof ParsedFlags)[]>
> = {
  run: ["file", "log-format"],
  check: ["file", "online"],
  redrive: ["file", "pipeline", "filter", "limit", "dry-run"],
  try: ["file", "pipeline", "key", "header"],
  schema: [],
};

/** Parses the arguments. Never throws; invalid ones become `misuse`. */
export function parseCommandLine(args: readonly string[]): Command {
  const unknown: string[] = [];
  const flags: ParsedFlags = parseArgs([...args], {
    boolean: ["help", "version", "online", "dry-run"],
    string: ["file", "log-format", "pipeline", "filter", "limit", "key", "header"],
    collect: ["file", "filter", "header"],
    alias: { f: "file", h: "help" },
    unknown: (argument: string, name?: string) => {
      if (name === undefined) return true;
      // Omits the value, which may be a secret.
      unknown.push(argument.replace(/=.*$/s, ""));
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
  /** What looks like a number is one. */
  readonly _: (string | number)[];
  readonly help: boolean;
  readonly version: boolean;
  readonly online: boolean;
  readonly file: string[];
  readonly "log-format"?: string;
  readonly pipeline?: string;
  readonly filter: string[];
  readonly limit?: string;
  readonly "dry-run": boolean;
  readonly key?: string;
  readonly header: string[];
}

function toCommand(name: keyof typeof FLAGS_OF_COMMAND, flags: ParsedFlags): Command {
  const misplaced = Object.values(FLAGS_OF_COMMAND).flat().find((flag) =>
    isGiven(flags[flag]) && !FLAGS_OF_COMMAND[name].includes(flag)
  );
  if (misplaced !== undefined) return misuse(`--${misplaced} is not an option of '${name}'`);
  if (name === "schema") return { kind: "schema" };
  const { file: files } = flags;
  if (files.length === 0) return misuse("no configuration; specify one with -f FILE");
  if (files.includes("")) return misuse("-f needs a file name");
  switch (name) {
    case "check":
      return { kind: "check", files, online: flags.online };
    case "redrive":
      return toRedrive(flags);
    case "try":
      return toTry(flags);
    case "run":
      return toRun(flags);
  }
}

function toRun({ file: files, "log-format": logFormat }: ParsedFlags): Command {
  if (logFormat === undefined) return { kind: "run", files };
  const format = LOG_FORMATS.find((format) => format === logFormat);
  if (format === undefined) {
    return misuse(`--log-format must be ${LOG_FORMATS.join(" or ")}, found '${logFormat}'`);
  }
  return { kind: "run", files, logFormat: format };
}

function toRedrive(
  { file: files, pipeline, filter: filters, limit, "dry-run": dryRun }: ParsedFlags,
): Command {
  if (!pipeline) return misuse("no pipeline; specify one with --pipeline NAME");
  const [text, ...others] = filters;
  if (others.length > 0) return misuse("--filter can be given once");
  const filter = text === undefined ? undefined : parseFilter(text, FILTER_NAMES);
  if (filter === null) {
    const names = FILTER_NAMES.join(", ");
    return misuse(`--filter must be NAME=VALUE with one of ${names}, found '${text}'`);
  }
  if (limit !== undefined && !/^[1-9]\d{0,14}$/.test(limit)) {
    return misuse(`--limit must be a positive whole number, found '${limit}'`);
  }
  return {
    kind: "redrive",
    files,
    pipeline,
    ...(filter === undefined ? {} : { filter }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    dryRun,
  };
}

function toTry({ file: files, pipeline, key, header }: ParsedFlags): Command {
  if (!pipeline) return misuse("no pipeline; specify one with --pipeline NAME");
  const headers: [string, string][] = [];
  for (const text of header) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    // Omits the text, which may be a secret.
    if (name === undefined || value === undefined) return misuse("--header must be NAME=VALUE");
    headers.push([name, value]);
  }
  return { kind: "try", files, pipeline, ...(key === undefined ? {} : { key }), headers };
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

function isCommandName(name: string): name is keyof typeof FLAGS_OF_COMMAND {
  return Object.hasOwn(FLAGS_OF_COMMAND, name);
}

function misuse(problem: string): Command {
  return { kind: "misuse", problem };
}
