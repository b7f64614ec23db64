/** Characters that a terminal would act on, move or hide, and those that end a line. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A text on one line, with invisible characters as `\u{1b}`. */
export function escapeInvisible(text: string): string {
  return text.replaceAll(
    INVISIBLE,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
