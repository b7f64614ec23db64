import { eventually, inTime } from "../eventually.ts";

const COMMAND_DEADLINE_MS = 60_000;

/** How a command of the executable ended. */
export interface CommandEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stdoutBytes: Uint8Array;
  readonly stderr: string;
}

/** The compiled executable that the test task has made. */
export function executable(): string {
  const path = Deno.env.get("EVENTOR_EXECUTABLE");
  if (path === undefined) {
    throw new Error("EVENTOR_EXECUTABLE is not set; run the tests by 'deno task test'");
  }
  return path;
}

/** Runs the executable to its end. */
export async function runEventor(
  args: readonly string[],
  { input = "", env = {}, meanwhile }: {
    input?: string | Uint8Array;
    env?: Record<string, string>;
    /** What is done to it while it runs. */
    meanwhile?: (child: Deno.ChildProcess) => Promise<void>;
  } = {},
): Promise<CommandEnd> {
  const child = new Deno.Command(executable(), {
    args: [...args],
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  using _ = mortal(child, { deadlineMs: COMMAND_DEADLINE_MS });
  // Read while it is written: a command whose output nobody takes stops taking input.
  const output = child.output();
  const writer = child.stdin.getWriter();
  // The command may end without having read its input.
  await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input)
    .then(() => writer.close()).catch(() => {});
  await meanwhile?.(child);
  const { code, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stdoutBytes: stdout,
    stderr: decoder.decode(stderr),
  };
}

/** Runs a program of the repository to its end, with all permissions. */
export async function runTool(
  path: string,
  { args = [], env = {}, deadlineMs }: {
    args?: readonly string[];
    env?: Record<string, string>;
    deadlineMs: number;
  },
): Promise<Omit<CommandEnd, "stdoutBytes">> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--frozen", path, ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  using _ = mortal(child, { deadlineMs });
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A configuration file that is gone with its scope. */
export function configFile(text: string): Disposable & { readonly path: string } {
  const path = Deno.makeTempFileSync({ prefix: "eventor-config-", suffix: ".yaml" });
  Deno.writeTextFileSync(path, text);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path) };
}

/** Ends a process by SIGKILL at the end of its scope, and at the deadline, so that nothing waits for it for ever. */
export function mortal(
  child: Deno.ChildProcess,
  { deadlineMs }: { deadlineMs: number },
): Disposable {
  function kill(): void {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }
  const timer = setTimeout(kill, deadlineMs);
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      kill();
    },
  };
}

/** The running executable. Whatever happens, it is gone with its scope. */
export class EventorProcess implements AsyncDisposable {
  readonly #config = configFile("");
  readonly #child: Deno.ChildProcess;
  readonly #logRead: Promise<void>;
  /** Lines of its log so far. */
  readonly lines: string[] = [];

  /** Starts it with a configuration's text; by `starter`, when there is one, as `env` starts what follows it. */
  constructor(
    config: string,
    { args = [], starter = [] }: { args?: readonly string[]; starter?: readonly string[] } = {},
  ) {
    Deno.writeTextFileSync(this.#config.path, config);
    const [command = "", ...rest] = [...starter, executable(), "-f", this.#config.path, ...args];
    this.#child = new Deno.Command(command, {
      args: rest,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#logRead = this.#readLog();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves with the first line that matches, now or later. */
  async line(
    pattern: RegExp,
    { deadlineMs = 30_000 }: { deadlineMs?: number } = {},
  ): Promise<string> {
    const find = () => this.lines.find((line) => pattern.test(line));
    await eventually(() => find() !== undefined, {
      deadlineMs,
      what: () =>
        `a log line that matches ${pattern}; the log has:\n${this.lines.slice(-30).join("\n")}`,
    });
    return find() ?? "";
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Resolves with the exit code once it has ended. */
  async exit(): Promise<number> {
    const { value: { code } } = await inTime(this.#child.status, {
      deadlineMs: COMMAND_DEADLINE_MS,
      what: "the end of the executable",
    });
    await this.#logRead;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.exit();
    this.#config[Symbol.dispose]();
  }

  async #readLog(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.lines.push(...lines);
    }
    if (rest !== "") this.lines.push(rest);
  }
}
