/** `0` to `count - 1`, one a line. */
export function numbered(count: number): string {
  return Array.from({ length: count }, (_, number) => `${number}\n`).join("");
}

/** All parts in one. */
export function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
