import type { Config, PipelineConfig } from "../config/schema.ts";
import { MAX_ADMIN_CONNECTIONS } from "./admin_server.ts";
import { rolesOf } from "../config/roles.ts";

/** Other descriptors of the process, such as files while it reads them. */
const OF_PROCESS = 16;

/** Descriptors of a pipeline's Workers: a second one runs during discovery. */
const OF_WORKERS = 2 * 8;

/** Connections to each configured host; this includes those to brokers that are not known yet. */
const PER_HOST = 6;

/** How a configuration fits into the limit of open files. */
export interface OpenFilesFit {
  /** The part of their `concurrency` that pipelines may use, from 0 to 1. */
  readonly shareOfCalls: number;
  /** Null when everything fits. */
  readonly warning: string | null;
}

/** @param roomFor how many more files may be open, up to the number that it is given */
export function fitToOpenFiles(
  { pipelines, admin }: Pick<Config, "pipelines" | "admin">,
  roomFor: (most: number) => number = roomForFiles,
): OpenFilesFit {
  const calls = sum(pipelines.map(({ concurrency }) => concurrency));
  const hosts = sum(pipelines.map((pipeline) => PER_HOST * hostCount(pipeline)));
  const admins = admin === undefined ? 0 : MAX_ADMIN_CONNECTIONS;
  const rest = OF_PROCESS + OF_WORKERS * pipelines.length;
  const total = calls + hosts + admins + rest;
  const room = roomFor(total);
  if (total <= room) return { shareOfCalls: 1, warning: null };
  const allowed = Math.max(0, room - hosts - admins - rest);
  return {
    shareOfCalls: allowed / calls,
    warning:
      `the limit of open files (ulimit -n) allows ${room} more files, but up to ${total} may be needed: ${calls} for ` +
      `calls ('concurrency'), ${hosts} for brokers, ${admins} for 'admin', ${rest} for the process; at most ${allowed} ` +
      `calls run at a time; raise the limit by ${total - room}, or lower 'concurrency'`,
  };
}

/**
 * How many more files and connections may be open, at most `most`. Opens them to find out, since the executable may not
 * read the system's limits.
 */
function roomForFiles(most: number): number {
  const opened: Disposable[] = [];
  try {
    while (opened.length < most) opened.push(Deno.openSync(SOME_FILE));
  } catch (error) {
    if (!["EMFILE", "ENFILE"].includes(Object(error).code)) return most;
  } finally {
    for (const file of opened) file[Symbol.dispose]();
  }
  return opened.length;
}

/** Whether a Worker can start: without free descriptors, it ends the whole process (Deno 2.6.8). */
export function hasRoomForWorker(): boolean {
  return roomForFiles(OF_WORKERS) === OF_WORKERS;
}

const SOME_FILE = "/dev/null";

function hostCount(pipeline: PipelineConfig): number {
  return sum(
    rolesOf(pipeline)
      .filter(({ path }) => path !== "eventHandler")
      .map(({ role, config }) => role.permissions(config).net.length),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
