import type { ConfigKey } from "./config_key.ts";
import { CONNECTION_KEYS, OTHER_CONNECTION_KEYS } from "./connection.ts";
import { CONSUMER_KEYS, OTHER_CONSUMER_KEYS } from "./consumer.ts";
import { DEAD_LETTER_KEYS, OTHER_PRODUCER_KEYS, PRODUCER_KEYS } from "./producer.ts";
import { OTHER_SECURITY_KEYS, SECURITY_KEYS } from "./security.ts";

const COMMON_KEYS = { ...CONNECTION_KEYS, ...SECURITY_KEYS };

/** Keys that `consumerConfig` and `producerConfig` share. */
export const KEYS_OF_BOTH: readonly ConfigKey[] = [
  ...Object.values(COMMON_KEYS),
  ...OTHER_CONNECTION_KEYS,
  ...OTHER_SECURITY_KEYS,
];

/** Keys that only `consumerConfig` has. */
export const KEYS_OF_CONSUMER: readonly ConfigKey[] = [
  ...Object.values(CONSUMER_KEYS),
  ...OTHER_CONSUMER_KEYS,
];

/** Keys that only `producerConfig` has. */
export const KEYS_OF_PRODUCER: readonly ConfigKey[] = [
  ...Object.values(PRODUCER_KEYS),
  ...OTHER_PRODUCER_KEYS,
];

/** The keys that `consumerConfig` may have. */
export const CONSUMER_BLOCK = {
  mapped: { ...COMMON_KEYS, ...CONSUMER_KEYS },
  keys: [...KEYS_OF_CONSUMER, ...KEYS_OF_BOTH],
  foreign: { block: "producerConfig", keys: KEYS_OF_PRODUCER },
};

/** The keys that `producerConfig` may have. */
export const PRODUCER_BLOCK = {
  mapped: { ...COMMON_KEYS, ...PRODUCER_KEYS },
  keys: [...KEYS_OF_PRODUCER, ...KEYS_OF_BOTH],
  foreign: { block: "consumerConfig", keys: KEYS_OF_CONSUMER },
};

/** The keys that the `producerConfig` of a `deadLetter` may have. */
export const DEAD_LETTER_BLOCK: typeof PRODUCER_BLOCK = {
  mapped: { ...COMMON_KEYS, ...DEAD_LETTER_KEYS },
  keys: [...Object.values(DEAD_LETTER_KEYS), ...OTHER_PRODUCER_KEYS, ...KEYS_OF_BOTH],
  foreign: PRODUCER_BLOCK.foreign,
};
