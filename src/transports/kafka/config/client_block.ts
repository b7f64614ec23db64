import type { Block } from "./block.ts";
import type { CONNECTION_KEYS } from "./keys/connection.ts";
import type { SECURITY_KEYS } from "./keys/security.ts";

type ClientKeys = typeof CONNECTION_KEYS & typeof SECURITY_KEYS;

/** The keys that consumers and producers share, as parsed. */
export type ClientBlock = Block<ClientKeys>;

/** The program's name of such a key. */
export type Field = keyof ClientKeys;
