import { EXIT_CODE } from "./command_line.ts";
import { configJsonSchema } from "../config/mod.ts";
import { printOut } from "../process/console.ts";

/** Prints the JSON Schema of a configuration file. */
export async function schema(): Promise<number> {
  await printOut(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return EXIT_CODE.stopped;
}
