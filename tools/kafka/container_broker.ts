import { fileURLToPath } from "node:url";
import type { Broker } from "./broker.ts";
import { untilAnswers } from "./metadata.ts";
import { run, runOrThrow, whenWeDie } from "../processes.ts";

/** The port that the compose file publishes. */
export const CONTAINER_PORT = 9092;

const ENGINE_DEADLINE_MS = 5_000;

const composeFile = fileURLToPath(new URL("../../kafka/docker-compose.yaml", import.meta.url));

/** The first container engine that answers and knows compose files. */
export async function findContainerEngine(): Promise<string | undefined> {
  for (const engine of ["docker", "podman"]) {
    const answers = await run([engine, "info"], { deadlineMs: ENGINE_DEADLINE_MS });
    if (!answers.success) continue;
    const composes = await run([engine, "compose", "version"], { deadlineMs: ENGINE_DEADLINE_MS });
    if (composes.success) return engine;
  }
}

/** Starts the broker of the compose file and waits until it answers. */
export async function startContainer(
  engine: string,
  say: (line: string) => void,
): Promise<Broker> {
  const compose = [engine, "compose", "--file", composeFile];
  const down = [...compose, "down", "--volumes", "--timeout", "20"];
  const bootstrapServer = `localhost:${CONTAINER_PORT}`;
  say(`Starting Kafka in a container with ${engine}.`);
  const dismissGuard = whenWeDie('exec "$@" >/dev/null 2>&1', down);
  let stopped: Promise<void> | undefined;
  const stop = () => stopped ??= runOrThrow(down).finally(dismissGuard);
  try {
    await runOrThrow([...compose, "up", "--detach", "--wait"]);
    await untilAnswers(bootstrapServer);
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
  const needsJvm = () =>
    Promise.reject(new Error("a broker in a container cannot do this: start it with requireJvm"));
  return {
    bootstrapServer,
    how: "container",
    stop,
    kill: needsJvm,
    restart: needsJvm,
    [Symbol.asyncDispose]: stop,
  };
}
