import { exists } from "./kafka/files.ts";

/** Where distributions put the library, in its form for programs of several threads. */
const PATHS = ["x86_64-linux-gnu/", "aarch64-linux-gnu/", ""]
  .map((architecture) => `/usr/lib/${architecture}faketime/libfaketimeMT.so.1`)
  .concat("/usr/lib64/faketime/libfaketimeMT.so.1");

/** The path of the library that shows a process another time than the system has, if it is installed. */
export async function findLibfaketime(): Promise<string | undefined> {
  for (const path of PATHS) {
    if (await exists(path)) return path;
  }
}
