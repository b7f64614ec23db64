import { setTimeout as sleep } from "node:timers/promises";
import { ConfigResourceTypes, Kafka, logLevel } from "kafkajs";
import { createTopics } from "../tools/kafka/mod.ts";

/** The topics and the group of a row's run, of names that no other run has. */
export interface RowTopics {
  readonly events: string;
  readonly results: string;
  readonly errors: string;
  readonly deadLetters: string;
  readonly group: string;
}

/** Names for a row's run. */
export function freshTopics(row: number): RowTopics {
  const run = crypto.randomUUID().slice(0, 8);
  const nameOf = (kind: string) => `faults-${row}-${kind}-${run}`;
  return {
    events: nameOf("events"),
    results: nameOf("results"),
    errors: nameOf("errors"),
    deadLetters: nameOf("dead-letters"),
    group: nameOf("group"),
  };
}

const RECREATE_ATTEMPTS = 50;
const RECREATE_PAUSE_MS = 100;

/** The broker's clock says when a record was stored. */
const CONFIG = { "message.timestamp.type": "LogAppendTime" };

/** Creates the topics. */
export async function createRowTopics(
  broker: string,
  { topics, partitions }: { topics: RowTopics; partitions: number },
): Promise<void> {
  await create(broker, allOf(topics).map((topic) => ({ topic, partitions })));
}

/** Creates a topic that has just been deleted: brokers take a moment to forget it. */
export async function createTopicAnew(
  broker: string,
  topic: { topic: string; partitions: number },
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await create(broker, [topic]);
    } catch (error) {
      if (attempt === RECREATE_ATTEMPTS) throw error;
      await sleep(RECREATE_PAUSE_MS);
    }
  }
}

/** Gives a topic other settings. */
export async function configureTopic(
  broker: string,
  { topic, settings }: { topic: string; settings: Readonly<Record<string, string>> },
): Promise<void> {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    // What is left out goes back to its default.
    const configEntries = Object.entries({ ...CONFIG, ...settings })
      .map(([name, value]) => ({ name, value }));
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    });
  } finally {
    await admin.disconnect();
  }
}

async function create(
  brokers: string,
  topics: readonly { topic: string; partitions: number }[],
): Promise<void> {
  const [broker = ""] = brokers.split(",");
  await createTopics(broker, topics.map((topic) => ({ ...topic, config: CONFIG })));
}

/** Deletes the topics, if the broker can be reached: a row may have left it down. */
export async function deleteRowTopics(broker: string, topics: RowTopics): Promise<void> {
  const admin = new Kafka({
    brokers: broker.split(","),
    logLevel: logLevel.NOTHING,
    retry: { retries: 1 },
  }).admin();
  try {
    await admin.connect();
    await admin.deleteTopics({ topics: allOf(topics) });
  } catch {
    // The data is gone with the broker anyway.
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

function allOf({ events, results, errors, deadLetters }: RowTopics): string[] {
  return [events, results, errors, deadLetters];
}
