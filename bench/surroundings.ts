import { compile } from "../tools/compile.ts";
import { startBroker } from "../tools/kafka/mod.ts";
import { whenWeDie } from "../tools/processes.ts";
import { type EndpointBehaviour, Endpoints } from "./endpoint_process.ts";

/** What Kafka's own start script gives to a broker: as far as the machine allows, the measured broker is a usual one. */
const JAVA_OPTIONS = [
  "-Xms1g",
  "-Xmx1g",
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
  "-XX:+ExplicitGCInvokesConcurrent",
];

const TEXT_ENCODER = new TextEncoder();

/** Says what is being done, to standard error: standard output is for figures. */
export function say(line: string): void {
  Deno.stderr.writeSync(TEXT_ENCODER.encode(`${line}\n`));
}

/** Prints figures. */
export function print(text: string): void {
  Deno.stdout.writeSync(TEXT_ENCODER.encode(`${text}\n`));
}

/** What eventor is measured between: a broker and endpoints. They end with their scope, unless they were there before. */
export class Surroundings implements AsyncDisposable {
  readonly broker: string;
  readonly #endpoints: Endpoints;
  readonly #stack: AsyncDisposableStack;

  private constructor(broker: string, endpoints: Endpoints, stack: AsyncDisposableStack) {
    this.broker = broker;
    this.#endpoints = endpoints;
    this.#stack = stack;
  }

  static async start(): Promise<Surroundings> {
    await using stack = new AsyncDisposableStack();
    const endpoints = stack.use(new Endpoints());
    const broker = Deno.env.get("EVENTOR_TEST_BROKER") ?? await startOwnBroker(stack);
    return new Surroundings(broker, endpoints, stack.move());
  }

  /** The URL of the endpoint that does this. */
  endpoint(behaviour: EndpointBehaviour): Promise<string> {
    return this.#endpoints.url(behaviour);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function startOwnBroker(stack: AsyncDisposableStack): Promise<string> {
  say("starting a broker");
  const broker = await startBroker({ requireJvm: true, javaOptions: JAVA_OPTIONS, say });
  return stack.use(broker).bootstrapServer;
}

/** The path of the executable: the one that EVENTOR_EXECUTABLE names, or one that is gone with the stack. */
export async function executable(stack: AsyncDisposableStack): Promise<string> {
  const given = Deno.env.get("EVENTOR_EXECUTABLE");
  if (given !== undefined) return given;
  const directory = await Deno.makeTempDir({ prefix: "eventor-bench-" });
  const dismissGuard = whenWeDie('rm -rf "$1"', [directory]);
  stack.defer(async () => {
    await Deno.remove(directory, { recursive: true });
    await dismissGuard();
  });
  const path = `${directory}/eventor`;
  say("compiling the executable");
  const problem = await compile(path);
  if (problem !== null) {
    throw new Error(`cannot compile; name an executable in EVENTOR_EXECUTABLE:\n${problem}`);
  }
  return path;
}
