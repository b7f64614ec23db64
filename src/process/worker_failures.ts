/** The last message of a Worker that cannot go on. */
interface FailedReport {
  readonly kind: "failed";
  readonly reason: string;
}

/**
 * Has this Worker report whatever nobody has caught, and returns what does so with an error. Left to the runtime, these
 * would end the whole process and print a stack that may hold payload.
 */
export function reportFailures(report: (message: FailedReport) => void): (error: unknown) => void {
  function fail(error: unknown): void {
    report({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  self.addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error);
  });
  return fail;
}
