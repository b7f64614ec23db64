/**
 * The Worker of a pipeline as it is, which goes wrong in the way that an endpoint's answer says: so a row can say when,
 * and the event is a usual one the next time.
 *
 * @module
 */
import "../src/process/pipeline_worker.ts";
import { HttpHandler } from "../src/transports/http/handler.ts";

/** What an answer begins with that makes the Worker misbehave. */
const PREFIX = "misbehave:";
const never = new Promise<never>(() => {});

const MISBEHAVIOURS: Readonly<Record<string, () => void>> = {
  throws: () =>
    void setTimeout(() => {
      throw new Error("thrown on purpose");
    }),
  rejects: () => void Promise.reject(new Error("rejected on purpose")),
  exits: () => Deno.exit(0),
  loops: () => {
    for (;;);
  },
  "takes all memory": () => {
    const taken: number[][] = [];
    for (;;) taken.push(Array.from({ length: 100_000 }, (_, number) => number + 0.5));
  },
};

const handle = HttpHandler.prototype.handle;

HttpHandler.prototype.handle = async function (event, signal, attempt) {
  const result = await handle.call(this, event, signal, attempt);
  const text = new TextDecoder().decode(result.value);
  if (!text.startsWith(PREFIX)) return result;
  MISBEHAVIOURS[text.slice(PREFIX.length)]?.();
  return await never;
};
