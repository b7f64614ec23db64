/**
 * Runs a Kafka broker until it is interrupted.
 *
 *     deno task broker [--port 9092] [--topics orders,results]
 */
import { parseArgs } from "node:util";
import { type Broker, createTopics, DEFAULT_PORT, startBroker } from "./kafka/mod.ts";

function write(text: string, stream: { writeSync(bytes: Uint8Array): number } = Deno.stdout): void {
  stream.writeSync(new TextEncoder().encode(text));
}

function readArguments(): { port: number; topics: string[] } {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: String(DEFAULT_PORT) },
      topics: { type: "string", default: "" },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`--port is ${values.port}: give a number from 1 to 65535`);
  }
  const topics = values.topics.split(",").map((topic) => topic.trim()).filter((topic) => topic);
  return { port, topics };
}

function describe({ bootstrapServer, how, logFile }: Broker, topics: string[]): string {
  const topic = topics[0] ?? "TOPIC";
  const lines = [
    `Kafka runs in a ${how === "jvm" ? "JVM" : "container"}.`,
    "",
    `  bootstrap server  ${bootstrapServer}`,
    `  topics            ${topics.join(", ") || "none: --topics A,B would create two"}`,
    ...(logFile === undefined ? [] : [`  log file          ${logFile}`]),
    "",
    "Write a line to a topic, and read the topic:",
    "",
    `  echo '{"name":"first"}' | kcat -b ${bootstrapServer} -P -t ${topic}`,
    `  kcat -b ${bootstrapServer} -C -t ${topic} -e`,
    "",
    "Ctrl-C stops it and removes its data.",
    "",
  ];
  return lines.join("\n");
}

async function main(): Promise<void> {
  const { port, topics } = readArguments();
  const interrupted = new Promise<"interrupted">((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => resolve("interrupted"));
    }
  });
  const starting = startBroker({ port, say: (line) => write(`${line}\n`) });
  const broker = await Promise.race([starting, interrupted]);
  // What has been started by then ends with this process.
  if (broker === "interrupted") return;
  await using _stopped = broker;
  if (topics.length > 0) {
    await createTopics(broker.bootstrapServer, topics.map((topic) => ({ topic })));
  }
  write(describe(broker, topics));
  await interrupted;
  write("Stopping Kafka.\n");
}

if (import.meta.main) {
  try {
    await main();
    Deno.exit(0);
  } catch (error) {
    write(`broker: ${error instanceof Error ? error.message : String(error)}\n`, Deno.stderr);
    Deno.exit(1);
  }
}
