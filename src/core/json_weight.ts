/** Shorter texts count as weightless. */
const LIGHT = 100_000;

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = "\\".charCodeAt(0);

/** Weight of a list, an object, a key and a further item, by its character. */
const WEIGHTS = new Uint8Array(128);
for (const [character, weight] of [["[", 2], ["{", 2], [":", 1], [",", 1]] as const) {
  WEIGHTS[character.charCodeAt(0)] = weight;
}

/**
 * Memory that a JSON text takes when parsed, in units of at most 50 bytes: a few megabytes of brackets take hundreds.
 * With a reviver, a unit takes 300 bytes.
 */
export function jsonWeight(text: string): number {
  if (text.length <= LIGHT) return 0;
  let weight = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isText && code === BACKSLASH) at++;
    else if (code === QUOTE) isText = !isText;
    else if (!isText) weight += WEIGHTS[code] ?? 0;
  }
  return weight;
}
