const LITERAL =
  /"(?:[^"\\\n]|\\.)*"|`(?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\})*`/g;
const PLACEHOLDER = /\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}/g;

/** A text of a source file. */
export interface SourceText {
  /** With `…` for each placeholder. Literals that `+` joins are one text. */
  readonly text: string;
  /** Where it begins in the source. */
  readonly index: number;
}

/** The texts in TypeScript source, as far as regular expressions find them. */
export function sourceTexts(source: string): readonly SourceText[] {
  const texts: { text: string; index: number; end: number }[] = [];
  for (const { 0: literal, index } of withoutComments(source).matchAll(LITERAL)) {
    const text = literal.slice(1, -1).replaceAll(PLACEHOLDER, "…");
    const last = texts.at(-1);
    const end = index + literal.length;
    const isJoined = last !== undefined && /^\s*\+\s*$/.test(source.slice(last.end, index));
    if (isJoined) texts.push({ ...texts.pop()!, text: last.text + text, end });
    else texts.push({ text, index, end });
  }
  return texts;
}

/** The texts that each call of a method, such as `warn`, has in its arguments; those of one call are one list. */
export function textsOfCalls(source: string, method: string): readonly (readonly string[])[] {
  const texts = sourceTexts(source);
  return [...source.matchAll(new RegExp(`\\.${method}\\(`, "g"))].map(({ 0: call, index }) => {
    const end = endOfArguments(source, index + call.length);
    return texts.filter((text) => text.index > index && text.index < end).map(({ text }) => text);
  });
}

/** Where the parenthesis that opens before `start` is closed; those in texts are in pairs. */
function endOfArguments(source: string, start: number): number {
  let depth = 1;
  for (let index = start; index < source.length; index++) {
    if (source[index] === "(") depth++;
    else if (source[index] === ")" && --depth === 0) return index;
  }
  return source.length;
}

/** Blanks comments, so that positions stay. */
function withoutComments(source: string): string {
  return source.replaceAll(/^\s*(?:\/\/|\/\*\*|\*).*$/gm, (line) => " ".repeat(line.length));
}
