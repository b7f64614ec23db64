import { fileURLToPath } from "node:url";
import { exists } from "./files.ts";
import { requireJava } from "./java.ts";
import { runOrThrow } from "../processes.ts";

/** What a JVM needs to run Kafka. */
export interface Installation {
  readonly libraries: string;
  /** Loaded classes, ready to be mapped into memory: they halve the start. Need not exist. */
  readonly classArchive: string;
}

const pom = fileURLToPath(new URL("../../kafka/pom.xml", import.meta.url));

/** Finds what a JVM needs to run Kafka, and gets what is missing. */
export async function install(say: (line: string) => void): Promise<Installation> {
  const version = /<kafka\.version>(.+?)</.exec(await Deno.readTextFile(pom))?.[1];
  if (version === undefined) throw new Error(`${pom} names no <kafka.version>`);
  const directory = `${cacheDirectory()}/kafka-${version}`;
  const libraries = `${directory}/libs`;
  const hasLibraries = await exists(libraries);
  const java = await requireJava({ withMaven: !hasLibraries, say });
  if (!hasLibraries) {
    say(`Getting the jars of Kafka ${version} by Maven into ${libraries}.`);
    await getLibraries(directory, libraries);
  }
  return { libraries, classArchive: `${directory}/classes-java-${java}.jsa` };
}

async function getLibraries(directory: string, libraries: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  const part = await Deno.makeTempDir({ dir: directory, prefix: "libs-", suffix: ".part" });
  try {
    await runOrThrow([
      "mvn",
      "--quiet",
      "--batch-mode",
      "--file",
      pom,
      "dependency:copy-dependencies",
      `-DoutputDirectory=${part}`,
    ]);
    // Another process may have been quicker, and its jars are the same.
    await Deno.rename(part, libraries).catch(async (error) => {
      if (!await exists(libraries)) throw error;
    });
  } finally {
    await Deno.remove(part, { recursive: true }).catch(() => {});
  }
}

function cacheDirectory(): string {
  const home = Deno.env.get("HOME");
  const cache = Deno.env.get("XDG_CACHE_HOME") ||
    (home ? `${home}/.cache` : Deno.env.get("TMPDIR") || "/tmp");
  return `${cache}/eventor`;
}
