/** How long a server keeps a connection, by its own account. */
export interface KeepAlive {
  /** How long an idle connection can still be used, in milliseconds. */
  readonly idleMs: number;
  /** Whether the server accepts no further request on it. */
  readonly isUsedUp: boolean;
}

/** The unused end of the server's timeout: a request takes time to arrive. */
const MARGIN_MS = 1000;

const TIMEOUT = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})(?!\d)/i;
const MAX = /(?:^|[\s,;])max\s*=\s*"?(\d{1,9})(?!\d)/i;

/**
 * Parses a `Keep-Alive` header: `timeout=5, max=100` (RFC 2068, 19.7.1.1). The last second of a timeout is not used;
 * below two seconds, the second half is not. An unreadable value sets no limit.
 *
 * @param value undefined without the header
 */
export function parseKeepAlive(value: string | undefined): KeepAlive {
  const timeoutMs = 1000 * (numberIn(value, TIMEOUT) ?? Infinity);
  return {
    idleMs: Math.max(timeoutMs - MARGIN_MS, timeoutMs / 2),
    isUsedUp: timeoutMs === 0 || numberIn(value, MAX) === 0,
  };
}

function numberIn(value = "", pattern: RegExp): number | undefined {
  const [, number] = pattern.exec(value) ?? [];
  return number === undefined ? undefined : Number(number);
}
