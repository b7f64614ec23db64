import { canInstallPackages, howToInstall, installPackages } from "../debian_packages.ts";
import { run } from "../processes.ts";

/** This machine has nothing that could run a broker; the message names the command that changes that. */
export class BrokerUnavailableError extends Error {
  override readonly name = "BrokerUnavailableError";
}

const MINIMUM_JAVA = 17;

/**
 * Makes sure of a Java that can run Kafka, and of Maven if it is needed: installs what lacks when that can be done
 * without asking.
 *
 * @returns the version of Java
 * @throws {BrokerUnavailableError} when something lacks and cannot be installed
 */
export async function requireJava(
  { withMaven, say }: { withMaven: boolean; say: (line: string) => void },
): Promise<number> {
  const java = await javaVersion();
  const lacksMaven = withMaven && !(await run(["mvn", "--version"])).success;
  const lacksJava = java === undefined || java < MINIMUM_JAVA;
  if (!lacksJava && !lacksMaven) return java;

  const lacks = [
    ...(!lacksJava ? [] : [java === undefined ? "no java on the PATH" : `only Java ${java}`]),
    ...(lacksMaven ? ["no mvn on the PATH"] : []),
  ].join(" and ");
  const packages = [
    ...(lacksJava ? [`openjdk-${MINIMUM_JAVA}-jre-headless`] : []),
    ...(lacksMaven ? ["maven"] : []),
  ];
  if (!await canInstallPackages()) {
    throw new BrokerUnavailableError(
      `Kafka cannot be started: without a container it needs Java ${MINIMUM_JAVA} or later and Maven, ` +
        `and there is ${lacks}. ${
          Deno.build.os === "darwin"
            ? "Run: brew install openjdk maven"
            : await howToInstall(packages)
        }`,
    );
  }
  say(`Found ${lacks}: installing ${packages.join(" and ")} by apt-get.`);
  try {
    await installPackages(packages);
  } catch {
    // Later releases have only a later Java.
    await installPackages(packages.map((name) => name.replace(/^openjdk-\d+/, "default")));
  }
  const installed = await javaVersion();
  if (installed !== undefined && installed >= MINIMUM_JAVA) return installed;
  throw new BrokerUnavailableError(
    `Kafka cannot be started: apt-get installed ${packages.join(" and ")}, but java is ${
      installed ?? "missing"
    }. Install Java ${MINIMUM_JAVA} or later so that it is on the PATH.`,
  );
}

async function javaVersion(): Promise<number | undefined> {
  const { success, output } = await run(["java", "-version"]);
  const major = /version "(\d+)/.exec(output)?.[1];
  return success && major !== undefined ? Number(major) : undefined;
}
