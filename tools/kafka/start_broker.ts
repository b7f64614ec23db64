import type { Broker } from "./broker.ts";
import { CONTAINER_PORT, findContainerEngine, startContainer } from "./container_broker.ts";
import { JvmBroker } from "./jvm_broker.ts";
import { assertFree, freePort } from "./ports.ts";
import { messageOf } from "../processes.ts";

/** How to start a broker. */
export interface BrokerOptions {
  /** Any free one when absent. */
  readonly port?: number;
  readonly requireJvm?: boolean;
  /** Settings of the broker beyond `kafka/server.properties`. They imply the JVM. */
  readonly properties?: Record<string, string>;
  /** The JVM's heap, collector and compilers, instead of those that start soonest in little memory. */
  readonly javaOptions?: readonly string[];
  /** Takes what is worth telling while it starts. */
  readonly say?: (line: string) => void;
}

/** The port of Kafka by custom, and the only one at which a container is tried. */
export const DEFAULT_PORT = CONTAINER_PORT;

/**
 * Starts a broker, in a container when an engine answers, else in a JVM, and waits until it answers.
 *
 * @throws {BrokerUnavailableError} when the machine lacks what it takes
 */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const { port, requireJvm = false, properties = {}, javaOptions, say = () => {} } = options;
  if (port !== undefined) assertFree(port);
  if (port === CONTAINER_PORT && !requireJvm && Object.keys(properties).length === 0) {
    const engine = await findContainerEngine();
    if (engine !== undefined) {
      try {
        return await startContainer(engine, say);
      } catch (error) {
        say(`The container does not start: ${messageOf(error)}`);
        say("Trying a JVM instead.");
      }
    }
  }
  return await JvmBroker.start({ port: port ?? freePort(), properties, javaOptions, say });
}
