import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../processes.ts";
import { array, type Reader, request, string } from "./protocol.ts";

const START_DEADLINE_MS = 90_000;
const DEADLINE_MS = 5_000;
const POLL_INTERVAL_MS = 25;

/** Asks for what is known of topics. What is left of the response is about the topics. */
export async function metadata(bootstrapServer: string, topics: string[]): Promise<Reader> {
  const response = await request(bootstrapServer, {
    key: 3,
    version: 1,
    deadlineMs: DEADLINE_MS,
  }, [
    array(topics, (topic) => [string(topic)]),
  ]);
  const brokers = response.int32();
  if (brokers < 1) throw new Error("it knows of no broker yet");
  for (let count = brokers; count > 0; count--) {
    response.int32(); // id
    response.string(); // host
    response.int32(); // port
    response.string(); // rack
  }
  response.int32(); // id of the controller
  return response;
}

/**
 * Waits until a broker that is starting answers.
 *
 * @param ended when its process has ended, where that is known: there is nothing to wait for then
 */
export async function untilAnswers(
  bootstrapServer: string,
  ended?: Promise<Deno.CommandStatus>,
): Promise<void> {
  let status: Deno.CommandStatus | undefined;
  ended?.then((value) => status = value);
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    try {
      await metadata(bootstrapServer, []);
      return;
    } catch (error) {
      if (status !== undefined) {
        throw new Error(`its process ended with ${status.signal ?? `exit code ${status.code}`}`);
      }
      if (Date.now() > deadline) {
        throw new Error(
          `${bootstrapServer} gives no answer within ${START_DEADLINE_MS / 1000} s: ${
            messageOf(error)
          }`,
        );
      }
    }
    await sleep(POLL_INTERVAL_MS);
  }
}
