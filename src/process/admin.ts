import { isIP } from "node:net";
import type { AdminConfig } from "../config/schema.ts";
import type { Logger } from "../core/log.ts";
import type { AdminRequest } from "./admin_messages.ts";
import { AdminServer } from "./admin_server.ts";
import type { Supervisor } from "./supervisor.ts";

export type AdminSubject = Pick<Supervisor, "isLive" | "readiness">;

const HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/**
 * Starts the admin interface. `/livez` never depends on brokers or endpoints: a restart would not help them.
 *
 * @throws {Error} when it cannot listen there
 */
export function startAdmin(config: AdminConfig, subject: AdminSubject, log: Logger): Disposable {
  const { hostname, port } = config;
  try {
    const listener = Deno.listen({ hostname: hostname.replaceAll(/[[\]]/g, ""), port });
    const server = new AdminServer(listener, {
      respond: (request) => respond(request, config, subject),
      log,
    });
    void server.serve();
    return server;
  } catch (error) {
    const reason = error instanceof Deno.errors.AddrInUse
      ? "the address is already in use"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new Error(
      `admin: cannot listen on ${hostname}:${port}: ${reason}; choose another admin.address`,
      { cause: error },
    );
  }
}

export function respond(
  request: AdminRequest,
  { hostname }: Pick<AdminConfig, "hostname">,
  subject: AdminSubject,
): Response {
  const url = new URL(request.url);
  // Prevents DNS rebinding: a web page could reach a loopback address by a name of its own.
  if (!isOwnHost(url.hostname, hostname)) {
    return plain(421, "unknown host");
  }
  if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "GET or HEAD");
  switch (url.pathname) {
    case "/livez":
      return subject.isLive ? plain(200, "alive") : plain(503, "a pipeline does not respond");
    case "/readyz":
      return readyz(subject);
    default:
      return plain(404, "not found; use /livez or /readyz");
  }
}

function readyz({ readiness }: AdminSubject): Response {
  const pipelines = readiness.map(({ name, reasons }) => ({
    name,
    ready: reasons.length === 0,
    reasons,
  }));
  const ready = pipelines.every((pipeline) => pipeline.ready);
  return Response.json({ ready, pipelines }, { status: ready ? 200 : 503, headers: HEADERS });
}

function isOwnHost(asked: string, configured: string): boolean {
  return asked === "localhost" || asked === configured ||
    isIP(asked.replaceAll(/[[\]]/g, "")) !== 0;
}

function plain(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: HEADERS });
}
