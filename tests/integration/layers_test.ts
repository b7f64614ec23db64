/** Holds the rules on imports that `src/README.md` has under "Invariants". */
import { assertEquals } from "@std/assert";
import { WORKERS } from "../../tools/compile.ts";

const ROOT = new URL("../../", import.meta.url);

/** Folders of `src/`, and below `transports/`. Each may import those before it. */
const LAYERS = ["core", "schema", "transports", "config", "process", "commands"];
const SHARED_BY_TRANSPORTS = ["sockets", "http1", "oauth2"];

/** Where each package may be imported. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@hpcc-js/wasm-zstd": ["src/transports/kafka/"],
  "@std/cli": ["src/commands/"],
  "@std/text": ["src/schema/"],
  "@std/yaml": ["src/config/"],
  "kafkajs/src": ["src/transports/kafka/kafkajs/"],
  kafkajs: ["src/transports/kafka/"],
  oauth4webapi: ["src/transports/oauth2/"],
  snappyjs: ["src/transports/kafka/"],
  zod: ["src/config/", "src/schema/", "src/transports/"],
  zstddec: ["src/transports/http1/", "src/transports/kafka/"],
};

interface Import {
  readonly from: string;
  /** The path of a file, or the name of a package. */
  readonly to: string;
  /** Absent from the running program. */
  readonly isType: boolean;
  /** Loaded by `await import()`, when it is needed. */
  readonly isLate: boolean;
}

const IMPORT =
  /^(?:import|export)( type)?\s(?:[\w*\s,{}]+\sfrom\s)?"([^"\n]+)"|\bimport\("([^"\n]+)"\)/gm;
const IMPORTS = filesOf("src/").flatMap(importsOf);
const INTERNAL = IMPORTS.filter(({ to }) => to.startsWith("src/"));

Deno.test("each folder of src/ imports only those below it", () => {
  // -1 for a file of `src/` itself.
  const rankOf = (path: string) => LAYERS.indexOf(path.split("/")[1] ?? "");
  assertEquals(foldersOf("src/"), LAYERS.toSorted());
  const wrong = INTERNAL.filter(({ from, to }) => {
    const [own, other] = [rankOf(from), rankOf(to)];
    return own === 0 ? other !== 0 : own > 0 && other > own;
  });
  assertEquals(wrong, []);
});

Deno.test("no file of src/ has more than 300 lines", () => {
  const linesOf = (path: string) =>
    Deno.readTextFileSync(new URL(path, ROOT)).split("\n").length - 1;
  assertEquals(filesOf("src/").filter((path) => linesOf(path) > 300), []);
});

Deno.test("a transport imports no other one, except for what they share", () => {
  const folders = foldersOf("src/transports/");
  const folderOf = (path: string) => path.split("/")[2] ?? "";
  const rankOf = (folder: string) => SHARED_BY_TRANSPORTS.indexOf(folder);
  const wrong = INTERNAL.filter(({ from, to }) => {
    const [own, other] = [folderOf(from), folderOf(to)];
    if (own === other || ![own, other].every((name) => folders.includes(name))) return false;
    const [rank, otherRank] = [rankOf(own), rankOf(other)];
    return otherRank === -1 || rank !== -1 && otherRank > rank;
  });
  assertEquals(wrong, []);
});

Deno.test("no folder of src/ imports one that imports it, directly or through others", () => {
  const folders = nestedFoldersOf("src/");
  assertEquals(["src/", ...folders].flatMap(cyclesIn), []);
  assertEquals(folders.flatMap(importsBothWays), []);
});

Deno.test("packages are imported only where they belong", () => {
  const wrong = IMPORTS.filter(({ from, to }) => {
    if (to.startsWith("src/") || to.startsWith("node:") || to === "deno.json") return false;
    const [, places = []] = Object.entries(PACKAGES)
      .find(([name]) => to === name || to.startsWith(`${name}/`)) ?? [];
    return !places.some((place) => from.startsWith(place));
  });
  assertEquals(wrong, []);
});

Deno.test("only the Worker that reads the configuration loads zod, which takes several megabytes", () => {
  const others = WORKERS.filter((path) => path !== "src/process/config_worker.ts");
  assertEquals(pathTo("zod", ["src/commands/run.ts", ...others], ({ isType }) => !isType), null);
});

Deno.test("no command loads a client library before a role needs it", () => {
  const isLoaded = ({ isType, isLate }: Import) => !isType && !isLate;
  for (const library of ["kafkajs", "oauth4webapi"]) {
    assertEquals(pathTo(library, filesOf("src/commands/"), isLoaded), null);
  }
});

/** The imports by which folders directly in `parent` import themselves, through others there. */
function cyclesIn(parent: string): readonly Import[] {
  const folderOf = (path: string) =>
    path.startsWith(parent) ? path.slice(parent.length).match(/^([^/]+)\//)?.[1] : undefined;
  const between = INTERNAL.flatMap((cause) => {
    const [from, to] = [folderOf(cause.from), folderOf(cause.to)];
    return from === undefined || to === undefined || from === to ? [] : [{ from, to, cause }];
  });
  return between.filter(({ from, to }) => reachableFrom([to], between).has(from))
    .map(({ cause }) => cause);
}

/** Imports between a folder and the folder it is in, if there are some in both directions. */
function importsBothWays(folder: string): readonly Import[] {
  const parent = folder.replace(/[^/]+\/$/, "");
  const isOwnFileOfParent = (path: string) =>
    path.startsWith(parent) && !path.slice(parent.length).includes("/");
  const down = INTERNAL.filter(({ from, to }) => isOwnFileOfParent(from) && to.startsWith(folder));
  const up = INTERNAL.filter(({ from, to }) => from.startsWith(folder) && isOwnFileOfParent(to));
  return down.length > 0 && up.length > 0 ? [...down, ...up] : [];
}

/** All that `starts` import, directly or through others, each with what imports it first. */
function reachableFrom(
  starts: readonly string[],
  imports: readonly Pick<Import, "from" | "to">[],
): ReadonlyMap<string, string | null> {
  const importers = new Map<string, string | null>(starts.map((start) => [start, null]));
  for (const [path] of importers) {
    for (const { from, to } of imports) {
      if (from === path && !importers.has(to)) importers.set(to, from);
    }
  }
  return importers;
}

/** The files by which one of `starts` loads a package, or null. */
function pathTo(
  name: string,
  starts: readonly string[],
  isFollowed: (each: Import) => boolean,
): readonly string[] | null {
  const importers = reachableFrom(starts, IMPORTS.filter(isFollowed));
  if (!importers.has(name)) return null;
  const path = [name];
  for (let next = importers.get(name); next; next = importers.get(next)) path.unshift(next);
  return path;
}

function importsOf(from: string): readonly Import[] {
  const text = Deno.readTextFileSync(new URL(from, ROOT));
  const found = text.matchAll(IMPORT);
  return [...found].map(([, type, specifier, late]) => {
    const name = specifier ?? late ?? "";
    return {
      from,
      to: name.startsWith(".") ? new URL(name, `file:///${from}`).pathname.slice(1) : name,
      isType: type !== undefined,
      isLate: late !== undefined,
    };
  });
}

function foldersOf(parent: string): string[] {
  return [...Deno.readDirSync(new URL(parent, ROOT))].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name).sort();
}

function nestedFoldersOf(parent: string): string[] {
  return foldersOf(parent).map((name) => `${parent}${name}/`)
    .flatMap((folder) => [folder, ...nestedFoldersOf(folder)]);
}

function filesOf(parent: string): string[] {
  return [parent, ...nestedFoldersOf(parent)].flatMap((folder) =>
    [...Deno.readDirSync(new URL(folder, ROOT))].filter(({ name }) => name.endsWith(".ts"))
      .map(({ name }) => folder + name)
  );
}
