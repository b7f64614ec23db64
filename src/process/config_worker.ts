/**
 * Worker that reads a configuration. It may read files and variables, and connect to nothing. Ends after one command.
 *
 * @module
 */
import { type ExternalValues, readConfig } from "../config/mod.ts";
import { MAX_NAMED_FILE_BYTES, readBoundedFile } from "./bounded_input.ts";
import type { ConfigCommand } from "./worker_messages.ts";
import { reportEnd, reportUncaughtErrors } from "./worker_side.ts";

const EXTERNAL_VALUES: ExternalValues = {
  env: (name) => Deno.env.get(name),
  readFile: (path, isAgain) =>
    readBoundedFile(path, {
      maxBytes: MAX_NAMED_FILE_BYTES,
      ...(isAgain ? { patienceMs: 0 } : {}),
    }),
  isStream: (path) => !Deno.statSync(path).isFile,
};

reportUncaughtErrors();
self.addEventListener("message", ({ data }: MessageEvent<ConfigCommand>) => {
  const { sources, before } = data;
  reportEnd(Promise.try(() => readConfig(sources, EXTERNAL_VALUES, before)));
});
