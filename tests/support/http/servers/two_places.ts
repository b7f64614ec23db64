import { startWebServer, type WebServer, type WebServerProgram } from "./web_server.ts";

const PLACES = ["orders", "admin"] as const;

type Place = { readonly port: number; readonly directory: string };

/** Servers that answer `orders` to GET for what is below `/orders/`, and `admin` below `/admin/`. */
export const SERVERS_OF_TWO_PLACES: Readonly<Record<string, () => Promise<WebServer>>> = {
  "nginx": () => startWebServer(nginx),
  "Caddy": () => startWebServer(caddy),
  "Apache with AllowEncodedSlashes On": () => startWebServer(apache("On")),
  "Apache with AllowEncodedSlashes NoDecode": () => startWebServer(apache("NoDecode")),
  "PHP": () => startWebServer(php),
};

function nginx({ port, directory }: Place): WebServerProgram {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`);
  const locations = PLACES.map((place) => `location /${place}/ { return 200 ${place}; }`);
  return {
    command: "nginx",
    args: ["-p", directory, "-e", "stderr", "-c", `${directory}/nginx.conf`],
    files: {
      "nginx.conf": `
daemon off;
pid ${directory}/nginx.pid;
events {}
http {
  access_log off;
  ${temporary.join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    ${locations.join("\n    ")}
  }
}
`,
    },
  };
}

function caddy({ port, directory }: Place): WebServerProgram {
  const handlers = PLACES.map((place) => `handle /${place}/* {\n    respond ${place}\n  }`);
  return {
    command: "caddy",
    args: ["run", "--config", `${directory}/Caddyfile`, "--adapter", "caddyfile"],
    env: { XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
    files: {
      Caddyfile: `
{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  ${handlers.join("\n  ")}
  handle {
    respond 404
  }
}
`,
    },
  };
}

function apache(encodedSlashes: "On" | "NoDecode"): (place: Place) => WebServerProgram {
  return ({ port, directory }) => ({
    command: "apache2",
    args: ["-X", "-d", directory, "-f", `${directory}/apache.conf`],
    files: {
      "apache.conf": `
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${directory}/apache.pid
DefaultRuntimeDir ${directory}
ErrorLog /dev/stderr
DocumentRoot ${directory}/root
AllowEncodedSlashes ${encodedSlashes}
AcceptPathInfo On
`,
      // With AcceptPathInfo, what follows the name of a file in a path makes no difference.
      "root/orders": "orders",
      "root/admin": "admin",
    },
  });
}

function php({ port }: Place): WebServerProgram {
  return {
    command: "php",
    args: ["-q", "-S", `127.0.0.1:${port}`, "router.php"],
    // The server has decoded this path and resolved its dot segments.
    files: { "router.php": "<?php echo explode('/', $_SERVER['SCRIPT_NAME'])[1];" },
  };
}
