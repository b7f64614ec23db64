import type { Block } from "./block.ts";
import type { CONNECTION_KEYS } from "./keys/connection.ts";
import type { SECURITY_KEYS } from "./keys/security.ts";

type ClientKeys = typeof CONNECTION_KEYS & typeof SECURITY_KEYS;

/** Those keys of a block that every client has. */
export type ClientBlock = Block<ClientKeys>;

/** A key of them, as the program calls it. */
export type Field = keyof ClientKeys;
