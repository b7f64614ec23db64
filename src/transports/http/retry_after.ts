/**
 * How many milliseconds a response asks to wait by its `Retry-After`, which is seconds or a date (RFC 9110, 10.2.3);
 * undefined when it does not, or not in a way that can be read.
 */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000;
  // Dates begin with the name of a day; what else `Date.parse()` knows is not meant. The oldest form names no zone.
  const isDate = /^(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?,? /.test(text);
  const atMs = isDate ? Date.parse(text.endsWith("GMT") ? text : `${text} GMT`) : NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
