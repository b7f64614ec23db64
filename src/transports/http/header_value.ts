import type { Bytes } from "../../core/event.ts";
import { percentEncode } from "./percent_encoding.ts";

const SPACE = 0x20;
const FIRST_VISIBLE = 0x21;
const LAST_VISIBLE = 0x7e;

/**
 * A value of an event as part of a header's value. Everything but visible ASCII and inner spaces is percent-encoded: it
 * can neither end the header nor pass for another character.
 */
export function headerValue(value: Bytes): string {
  const last = value.length - 1;
  return percentEncode(value, (byte, index) => {
    const isInside = index > 0 && index < last;
    return byte >= FIRST_VISIBLE && byte <= LAST_VISIBLE || byte === SPACE && isInside;
  });
}
