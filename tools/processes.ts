/** How to run a command. */
export interface RunOptions {
  readonly deadlineMs?: number;
  readonly environment?: Record<string, string>;
}

/** How a command ended. */
export interface RunResult {
  readonly success: boolean;
  /** Both outputs, or why there is none. */
  readonly output: string;
}

/** Runs a command to its end. That there is no such command counts as a failure of it. */
export async function run(
  [command, ...args]: string[],
  { deadlineMs, environment = {} }: RunOptions = {},
): Promise<RunResult> {
  const signal = deadlineMs === undefined ? {} : { signal: AbortSignal.timeout(deadlineMs) };
  try {
    const result = await new Deno.Command(command!, {
      args,
      env: environment,
      stdin: "null",
      ...signal,
    }).output();
    const decoder = new TextDecoder();
    const output = decoder.decode(result.stdout) + decoder.decode(result.stderr);
    return { success: result.success, output };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { success: false, output: `there is no ${command} on the PATH` };
  }
}

/** Runs a command to its end, and throws with the last lines of its output when it fails. */
export async function runOrThrow(command: string[], options: RunOptions = {}): Promise<void> {
  const { success, output } = await run(command, options);
  if (!success) throw new Error(`${command.join(" ")} failed:\n${lastLines(output)}`);
}

/** As much of an output as a message can hold. */
export function lastLines(output: string): string {
  return output.trimEnd().split("\n").slice(-15).join("\n");
}

/**
 * Runs a script of the shell once this process ends in any way, be it by SIGKILL.
 *
 * @returns what calls this off
 */
export function whenWeDie(script: string, parameters: string[]): () => Promise<void> {
  const process = new Deno.Command("sh", {
    // Its input ends with us.
    args: ["-c", `read -r _; ${script}`, "sh", ...parameters],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    // What ends us must not end it too: neither the terminal nor Deno.
    detached: true,
  }).spawn();
  return async () => {
    signalProcess(process, "SIGKILL");
    await process.status;
    await process.stdin.close().catch(() => {});
  };
}

/** Sends a signal to a process, if it still runs. */
export function signalProcess(process: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch (error) {
    const hasEnded = error instanceof TypeError || error instanceof Deno.errors.NotFound;
    if (!hasEnded) throw error;
  }
}

/** What went wrong, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
