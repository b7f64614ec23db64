import type { Config, PipelineConfig } from "../config/schema.ts";
import { MAX_ADMIN_CONNECTIONS } from "./admin_server.ts";
import { partsOf } from "../config/parts.ts";

/** Other descriptors of the process, such as files while it reads them. */
const OF_PROCESS = 16;

/** Descriptors of a pipeline's Workers: a second one runs during discovery. */
const OF_WORKERS = 2 * 8;

/** Connections to each configured host; this includes those to brokers that are not known yet. */
const PER_HOST = 6;

/** Files and connections that a configuration may have open at a time. */
export interface NeededFiles {
  readonly calls: number;
  readonly hosts: number;
  readonly admin: number;
  readonly rest: number;
}

export function totalOf({ calls, hosts, admin, rest }: NeededFiles): number {
  return calls + hosts + admin + rest;
}

/** Upper limit for a configuration. */
export function neededFiles(
  { pipelines, admin }: Pick<Config, "pipelines" | "admin">,
): NeededFiles {
  return {
    calls: sum(pipelines.map(({ concurrency }) => concurrency)),
    hosts: sum(pipelines.map((pipeline) => PER_HOST * hostCount(pipeline))),
    admin: admin === undefined ? 0 : MAX_ADMIN_CONNECTIONS,
    rest: OF_PROCESS + OF_WORKERS * pipelines.length,
  };
}

/** The part of `concurrency` that fits into `room` descriptors, from 0 to 1. */
export function shareOfCalls({ calls, hosts, admin, rest }: NeededFiles, room: number): number {
  return Math.min(1, Math.max(0, room - hosts - admin - rest) / calls);
}

/** The warning when `room` is too small; null when it is enough. */
export function openFilesWarning(needed: NeededFiles, room: number): string | null {
  const { calls, hosts, admin, rest } = needed;
  const total = totalOf(needed);
  if (total <= room) return null;
  const allowed = Math.floor(calls * shareOfCalls(needed, room));
  return `the limit of open files (ulimit -n) allows ${room} more files, but up to ${total} may be needed: ${calls} for ` +
    `calls ('concurrency'), ${hosts} for brokers, ${admin} for 'admin', ${rest} for the process; at most ${allowed} calls ` +
    `run at a time; raise the limit by ${total - room}, or lower 'concurrency'`;
}

/**
 * How many more files and connections may be open, at most `most`. Opens them to find out, since the executable may not
 * read the system's limits.
 */
export function roomForFiles(most: number): number {
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
    partsOf(pipeline)
      .filter(({ path }) => path !== "eventHandler")
      .map(({ role, config }) => role.permissions(config).net.length),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
