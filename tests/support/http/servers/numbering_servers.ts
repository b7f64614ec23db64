import { fileURLToPath } from "node:url";
import type { CertifiedKey } from "../../tls/certificate_authority.ts";
import { startWebServer, type WebServer, type WebServerProgram } from "./web_server.ts";

/** How a server speaks, and how it keeps connections; what is absent it decides itself. */
export interface NumberingOptions {
  /** For `https`. */
  readonly tls?: CertifiedKey;
  /** After so many seconds an idle connection is closed. */
  readonly idleSeconds?: number;
  /** After so many requests a connection is closed. */
  readonly maxRequests?: number;
}

type Place = { readonly port: number; readonly directory: string };
type Program = (place: Place, options: NumberingOptions) => WebServerProgram;

const BUILDING_MS = 120_000;

const PROGRAMS: Readonly<Record<string, Program>> = {
  "nginx": nginx,
  "Apache": apache,
  "gunicorn": gunicorn,
  "Node": (place, options) => ({
    command: "node",
    args: [besides("numbering.mjs"), ...argumentsFor(place, options)],
  }),
  "Go": (place, options) => ({
    command: "sh",
    args: [
      "-c",
      `go build -o numbering "$0" && exec ./numbering "$@"`,
      besides("numbering.go"),
      ...argumentsFor(place, options),
    ],
    deadlineMs: BUILDING_MS,
  }),
  "Python's http.server": (place, options) => ({
    command: "python3",
    args: [besides("numbering.py"), ...argumentsFor(place, options)],
  }),
  "Tomcat": (place, options) => ({
    command: "java",
    args: [
      "--class-path",
      "/usr/share/java/*",
      besides("Numbering.java"),
      ...argumentsFor(place, options),
    ],
    deadlineMs: BUILDING_MS,
  }),
};

/** Those whose numbers of requests for a connection can be set. */
export const SERVERS_THAT_COUNT_REQUESTS: readonly string[] = Object.keys(PROGRAMS)
  .filter((name) => name !== "gunicorn");

/** Real servers that answer a request with its `eventor-offset`, and write that as a line. */
export const NUMBERING_SERVERS: readonly string[] = Object.keys(PROGRAMS);

/** Starts one of them. */
export function startNumberingServer(
  name: string,
  options: NumberingOptions = {},
): Promise<WebServer> {
  const program = PROGRAMS[name];
  if (program === undefined) throw new Error(`there is no server '${name}'`);
  return startWebServer((place) => {
    const started = program(place, options);
    const { cert = "", key = "" } = options.tls ?? {};
    return { ...started, files: { "cert.pem": cert, "key.pem": key, ...started.files } };
  });
}

function nginx(
  { port, directory }: Place,
  { idleSeconds, maxRequests, tls }: NumberingOptions,
): WebServerProgram {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`);
  const keeping = [
    ...(idleSeconds === undefined ? [] : [`keepalive_timeout ${idleSeconds}s;`]),
    ...(maxRequests === undefined ? [] : [`keepalive_requests ${maxRequests};`]),
  ];
  return {
    command: "nginx",
    args: ["-p", directory, "-e", "stderr", "-c", `${directory}/nginx.conf`],
    files: {
      "nginx.conf": `
daemon off;
pid ${directory}/nginx.pid;
events {}
http {
  log_format number $http_eventor_offset;
  access_log /dev/stderr number;
  ${temporary.join("\n  ")}
  ${keeping.join("\n  ")}
  server {
    listen 127.0.0.1:${port}${tls === undefined ? "" : " ssl"};
    ${tls === undefined ? "" : "ssl_certificate cert.pem; ssl_certificate_key key.pem;"}
    return 200 $http_eventor_offset;
  }
}
`,
    },
  };
}

function apache(
  { port, directory }: Place,
  { idleSeconds, maxRequests, tls }: NumberingOptions,
): WebServerProgram {
  const modules = ["mpm_event", "authz_core", "lua", ...(tls === undefined ? [] : ["ssl"])]
    .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
  const keeping = [
    ...(idleSeconds === undefined ? [] : [`KeepAliveTimeout ${idleSeconds}`]),
    ...(maxRequests === undefined ? [] : [`MaxKeepAliveRequests ${maxRequests}`]),
  ];
  const secured = tls === undefined
    ? []
    : ["SSLEngine on", "SSLCertificateFile cert.pem", "SSLCertificateKeyFile key.pem"];
  return {
    command: "apache2",
    args: ["-X", "-d", directory, "-f", `${directory}/apache.conf`],
    files: {
      "apache.conf": `
${modules.join("\n")}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${directory}/apache.pid
DefaultRuntimeDir ${directory}
ErrorLog /dev/stderr
LogFormat %{eventor-offset}i number
CustomLog /dev/stderr number
DocumentRoot ${directory}
LuaMapHandler ^/$ ${directory}/numbering.lua
${keeping.join("\n")}
${secured.join("\n")}
`,
      "numbering.lua": `
function handle(request)
  request:requestbody()
  request:write(request.headers_in["eventor-offset"])
  return apache2.OK
end
`,
    },
  };
}

function gunicorn(
  { port, directory }: Place,
  { idleSeconds, tls }: NumberingOptions,
): WebServerProgram {
  return {
    command: "gunicorn",
    args: [
      `--bind=127.0.0.1:${port}`,
      `--chdir=${besides(".")}`,
      "--worker-class=gthread",
      "--threads=8",
      "--log-level=critical",
      ...(idleSeconds === undefined ? [] : [`--keep-alive=${idleSeconds}`]),
      ...(tls === undefined
        ? []
        : [`--certfile=${directory}/cert.pem`, `--keyfile=${directory}/key.pem`]),
      "numbering_app:app",
    ],
    env: { PYTHONDONTWRITEBYTECODE: "1" },
  };
}

/** Programs find `cert.pem` and `key.pem` in their directory. */
function argumentsFor(
  { port }: Place,
  { idleSeconds = 0, maxRequests = 0, tls }: NumberingOptions,
): string[] {
  return [`${port}`, `${idleSeconds}`, `${maxRequests}`, tls === undefined ? "http" : "https"];
}

/** The path of a file in this folder. */
function besides(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
