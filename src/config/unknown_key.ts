import { levenshteinDistance } from "@std/text";
import { quoted, shownKey } from "./found.ts";

/** Reports an unknown key, and the known one that was probably meant. */
export function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestKey(key, known);
  const suggestion = nearest === undefined ? "" : `, did you mean ${quoted(nearest)}?`;
  return `unknown key ${shownKey(key)}${suggestion}`;
}

function nearestKey(key: string, known: readonly string[]): string | undefined {
  // Longer keys are no misspellings, and the distance takes quadratic time.
  if (key.length > 100) return undefined;
  const folded = key.toLowerCase();
  let nearest: string | undefined;
  let nearestDistance = Math.max(2, Math.floor(key.length / 4)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - key.length) >= nearestDistance) continue;
    const distance: number = levenshteinDistance(folded, candidate.toLowerCase());
    if (distance < nearestDistance && distance < candidate.length) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  return nearest;
}
