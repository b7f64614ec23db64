import type { Config, PipelineConfig } from "../config/schema.ts";
import { MAX_ADMIN_CONNECTIONS } from "./admin_server.ts";
import { partsOf } from "./sandbox.ts";

/** What the process opens besides, such as files while it reads them. */
const OF_PROCESS = 16;

/** What a Worker takes. A second one runs beside it when the other sides are asked. */
const OF_WORKERS = 2 * 8;

/** Connections to each host that the configuration names; what clients do not know yet is among it. */
const PER_HOST = 6;

/** How many files and connections a configuration may have open at a time. */
export interface NeededFiles {
  readonly calls: number;
  /** For hosts other than endpoints. */
  readonly hosts: number;
  readonly admin: number;
  readonly rest: number;
}

/** All of it together. */
export function totalOf({ calls, hosts, admin, rest }: NeededFiles): number {
  return calls + hosts + admin + rest;
}

/** What a configuration may need. */
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

/** Which part of its concurrency a pipeline can have where there is `room` for so many, 1 when it can have all of it. */
export function shareOfCalls({ calls, hosts, admin, rest }: NeededFiles, room: number): number {
  return Math.min(1, Math.max(0, room - hosts - admin - rest) / calls);
}

/** What is said where there is too little room for what a configuration may need; null where there is enough. */
export function openFilesWarning(needed: NeededFiles, room: number): string | null {
  const { calls, hosts, admin, rest } = needed;
  const total = totalOf(needed);
  if (total <= room) return null;
  const allowed = Math.floor(calls * shareOfCalls(needed, room));
  return `the limit of open files (ulimit -n) leaves room for ${room}, but up to ${total} may be needed: ${calls} for ` +
    `calls ('concurrency'), ${hosts} for brokers, ${admin} for 'admin', ${rest} for the process; only ${allowed} calls ` +
    `are made at a time, as more would fail (EMFILE); raise the limit by ${
      total - room
    }, or lower 'concurrency'`;
}

/**
 * How many further files and connections may be open, `most` at most. They are opened to find out: where the system tells
 * its limits, the executable may not read.
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

/** Whether a Worker can start: where it finds no descriptors left, it ends the whole process (Deno 2.6.8). */
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
