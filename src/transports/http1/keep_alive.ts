/** What a server says of how long it keeps a connection. */
export interface KeepAlive {
  /** How long the connection may be idle and still be used, in milliseconds. */
  readonly idleMs: number;
  /** Whether the server takes no further request on it. */
  readonly isUsedUp: boolean;
}

/** Of the server's time, as much is not used: the request takes a while to get there. */
const MARGIN_MS = 1000;

const TIMEOUT = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})(?!\d)/i;
const MAX = /(?:^|[\s,;])max\s*=\s*"?(\d{1,9})(?!\d)/i;

/**
 * Reads a `Keep-Alive` header: `timeout=5, max=100` (RFC 2068, 19.7.1.1). The last second of a timeout is not used; of one
 * below two seconds, the second half is not. What cannot be read sets no limit.
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
