import { run, runOrThrow } from "./processes.ts";

/** Whether packages can be installed here without asking anybody. */
export async function canInstallPackages(): Promise<boolean> {
  return Deno.uid() === 0 && await hasApt();
}

/** What to tell people who have to do it themselves. */
export async function howToInstall(packages: readonly string[]): Promise<string> {
  return await hasApt()
    ? `Run: sudo apt-get install -y ${packages.join(" ")}`
    : `Install what Debian calls ${packages.join(" and ")} with your package manager.`;
}

async function hasApt(): Promise<boolean> {
  return (await run(["apt-get", "--version"])).success;
}

/** Installs packages of Debian's. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  await runOrThrow(["apt-get", "update", "--quiet"]);
  await runOrThrow(
    ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", ...packages],
    { environment: { DEBIAN_FRONTEND: "noninteractive" } },
  );
}
