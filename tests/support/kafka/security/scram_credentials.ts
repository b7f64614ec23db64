import { pbkdf2Sync, randomBytes } from "node:crypto";
import { int32, int8, request } from "../../../../tools/kafka/protocol.ts";

const MECHANISMS = {
  "SCRAM-SHA-256": { number: 1, digest: "sha256", bytes: 32 },
  "SCRAM-SHA-512": { number: 2, digest: "sha512", bytes: 64 },
};
const ALTER_USER_SCRAM_CREDENTIALS = 51;
const ITERATIONS = 4096;
const NO_TAGS = int8(0);

/** A password of a user for one mechanism. */
export interface ScramCredential {
  readonly user: string;
  readonly mechanism: keyof typeof MECHANISMS;
  readonly password: string;
}

/** Sets a user's password, by a listener that lets everybody in. */
export async function setScramPassword(
  broker: string,
  { user, mechanism, password }: ScramCredential,
): Promise<void> {
  const { number, digest, bytes } = MECHANISMS[mechanism];
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, bytes, digest);
  const response = await request(broker, {
    key: ALTER_USER_SCRAM_CREDENTIALS,
    version: 0,
    deadlineMs: 10_000,
  }, [
    NO_TAGS, // of the header
    varint(1), // no deletions
    varint(2), // one upsertion
    compactString(user),
    int8(number),
    int32(ITERATIONS),
    compactBytes(salt),
    compactBytes(salted),
    NO_TAGS,
    NO_TAGS,
  ]);
  response.int8(); // tags of the header
  response.int32(); // throttle time
  response.int8(); // length of results
  const length = response.int8() - 1;
  for (let at = 0; at < length; at++) response.int8();
  const code = response.int16();
  if (code !== 0) throw new Error(`${broker} does not set the password of ${user}: code ${code}`);
}

function varint(value: number): Uint8Array {
  if (value > 0x7f) throw new RangeError("it takes more than one byte");
  return int8(value);
}

function compactString(text: string): Uint8Array {
  return compactBytes(new TextEncoder().encode(text));
}

function compactBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(...varint(bytes.length + 1), ...bytes);
}
