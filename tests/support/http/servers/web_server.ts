import { TemporaryFiles } from "../../tls/certificate_authority.ts";
import { unusedPort } from "../endpoint.ts";
import { mortal } from "../../executable/eventor_process.ts";
import { eventually } from "../../eventually.ts";

const DEADLINE_MS = 300_000;

/** A server program in a process of its own, on a free port of the loopback interface. */
export interface WebServer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** The lines that it has written to standard error, so far. */
  readonly lines: readonly string[];
}

/** What a server program needs to run. */
export interface WebServerProgram {
  readonly command: string;
  readonly args: readonly string[];
  /** Files that are written to its directory before it starts: texts by names. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take to start. */
  readonly deadlineMs?: number;
}

/**
 * Starts a server program and waits until it takes connections. Its process and its directory are gone with its scope.
 *
 * @throws {Error} with what the program has written, when it takes no connections in time
 */
export async function startWebServer(
  program: (place: { readonly port: number; readonly directory: string }) => WebServerProgram,
): Promise<WebServer> {
  const port = unusedPort();
  const files = new TemporaryFiles();
  // Some servers give up root's rights before they read their files.
  await Deno.chmod(files.directory, 0o755);
  const { command, args, files: texts = {}, env = {}, deadlineMs = 30_000 } = program({
    port,
    directory: files.directory,
  });
  for (const [name, text] of Object.entries(texts)) {
    const folder = name.slice(0, Math.max(0, name.lastIndexOf("/")));
    await Deno.mkdir(`${files.directory}/${folder}`, { recursive: true });
    files.write(name, text);
  }
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: files.directory,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const killer = mortal(child, { deadlineMs: DEADLINE_MS });
  let written = "";
  const read = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) written += text;
  })();
  const server = {
    port,
    origin: `http://127.0.0.1:${port}`,
    get lines() {
      return written.split("\n").slice(0, -1);
    },
    async [Symbol.asyncDispose]() {
      // With SIGKILL, the processes that some servers start would stay behind.
      try {
        child.kill("SIGTERM");
      } catch {
        // It has ended already.
      }
      await child.status;
      killer[Symbol.dispose]();
      await read;
      files[Symbol.dispose]();
    },
  };
  try {
    let hasEnded = false;
    child.status.then(() => hasEnded = true);
    await eventually(async () => hasEnded || await takesConnections(port), {
      deadlineMs,
      what: () => `${command} takes connections; it has written:\n${written}`,
    });
    if (hasEnded) throw new Error(`${command} has ended at its start; it has written:\n${written}`);
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

async function takesConnections(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
