/** A shorter text weighs too little to be weighed. */
const LIGHT = 100_000;

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = "\\".charCodeAt(0);

/** What a list, an object, a key and a further item take when they are parsed, by the character that each has. */
const WEIGHTS = new Uint8Array(128);
for (const [character, weight] of [["[", 2], ["{", 2], [":", 1], [",", 1]] as const) {
  WEIGHTS[character.charCodeAt(0)] = weight;
}

/**
 * How much memory a text of JSON takes when it is parsed, in units of 50 bytes at most: a few megabytes of brackets take
 * hundreds. Where a function looks at each value, a unit takes 300.
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
