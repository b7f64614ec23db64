import { assertEquals } from "@std/assert";

const SRC = new URL("../../src/", import.meta.url);

/** What each folder may import besides itself, from the bottom to the top. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  schema: ["core"],
  transports: ["core", "schema", "version.ts"],
  config: ["core", "schema", "transports"],
  process: ["core", "schema", "transports", "config"],
  commands: ["core", "schema", "transports", "config", "process", "version.ts"],
};

/** Folders of `transports/` that others share, and what they may import of each other. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  sockets: [],
  http1: ["sockets"],
  oauth2: ["http1", "sockets"],
};

/** The only folders that may import a client library. */
const LIBRARIES: Readonly<Record<string, string>> = {
  "kafkajs": "transports/kafka",
  "oauth4webapi": "transports/oauth2",
  "zstddec": "transports",
};

interface Import {
  readonly from: string;
  /** A path below `src/`, or the name of a package. */
  readonly to: string;
}

async function filesIn(folder: URL): Promise<URL[]> {
  const files: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) files.push(...await filesIn(new URL(`${name}/`, folder)));
    else if (name.endsWith(".ts")) files.push(new URL(name, folder));
  }
  return files;
}

async function importsOf(file: URL): Promise<Import[]> {
  const text = await Deno.readTextFile(file);
  const from = file.href.slice(SRC.href.length);
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)];
  return specifiers.map(([, specifier = ""]) => ({
    from,
    to: specifier.startsWith(".")
      ? new URL(specifier, file).href.slice(SRC.href.length)
      : specifier,
  }));
}

const IMPORTS = (await Promise.all((await filesIn(SRC)).map(importsOf))).flat();
const INNER = IMPORTS.filter(({ to }) => to.endsWith(".ts"));

function describe({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

function folderOf(path: string, depth = 0): string {
  return path.split("/")[depth] ?? "";
}

Deno.test("each folder of src/ imports only those below it", () => {
  const wrong = INNER.filter(({ from, to }) => {
    const [own, other] = [folderOf(from), folderOf(to)];
    return own !== other && LAYERS[own]?.includes(other) !== true;
  });
  assertEquals(wrong.map(describe), []);
});

Deno.test("a transport imports no other one, except for what all share", () => {
  const wrong = INNER.filter(({ from, to }) => {
    const isBetween = [from, to].every((path) => /^transports\/[^/]+\//.test(path));
    const [own, other] = [folderOf(from, 1), folderOf(to, 1)];
    return isBetween && own !== other && !(SHARED[own] ?? Object.keys(SHARED)).includes(other);
  });
  assertEquals(wrong.map(describe), []);
});

Deno.test("only its transport imports a client library", () => {
  const wrong = IMPORTS.filter(({ from, to }) => {
    const [library = ""] = to.split("/");
    const folder = LIBRARIES[library];
    return folder !== undefined && !from.startsWith(`${folder}/`);
  });
  assertEquals(wrong.map(describe), []);
});
