import { EXIT_CODE, parseCommandLine, USAGE } from "./src/commands/command_line.ts";
import { printError, printOut } from "./src/process/console.ts";
import { VERSION } from "./src/version.ts";

// Loads commands on demand: `--version` should not wait for a client library.
async function main(args: readonly string[]): Promise<number> {
  const command = parseCommandLine(args);
  switch (command.kind) {
    case "run": {
      const { run } = await import("./src/commands/run.ts");
      return await run(command);
    }
    case "check": {
      const { check } = await import("./src/commands/check.ts");
      return await check(command);
    }
    case "redrive": {
      const { redrive } = await import("./src/commands/redrive.ts");
      return await redrive(command);
    }
    case "try": {
      const { tryEvent } = await import("./src/commands/try.ts");
      return await tryEvent(command);
    }
    case "schema": {
      const { configJsonSchema } = await import("./src/config/mod.ts");
      await printOut(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
      return EXIT_CODE.stopped;
    }
    case "version":
      await printOut(`eventor ${VERSION}\n`);
      return EXIT_CODE.stopped;
    case "help":
      await printOut(USAGE);
      return EXIT_CODE.stopped;
    case "misuse":
      await printError(`eventor: ${command.problem}\nTry 'eventor --help'.\n`);
      return EXIT_CODE.misuse;
  }
}

// Timers and sockets of client libraries must not keep the process alive.
if (import.meta.main) Deno.exit(await main(Deno.args));
