import type { Bytes } from "../core/event.ts";

/** Shorter texts are words of many a payload: what would be left of it could not be read. */
const SHORTEST = 8;

const TEXT_ENCODER = new TextEncoder();
const HIDDEN = "***";

/** Puts `***` in place of texts, wherever they are and however they are written. */
export class Redaction {
  readonly #forms = new Set<string>();
  #pattern: RegExp | undefined;

  constructor(texts: readonly string[]) {
    this.add(texts);
  }

  /** Hides further texts. */
  add(texts: readonly string[]): void {
    for (const text of texts.filter(({ length }) => length >= SHORTEST)) {
      for (const form of formsOf(text)) this.#forms.add(form);
    }
    // The longest first: one may be the beginning of another.
    const forms = [...this.#forms].sort((one, other) => other.length - one.length);
    this.#pattern = forms.length === 0
      ? undefined
      : new RegExp(forms.map(RegExp.escape).join("|"), "g");
  }

  of(text: string): string {
    return this.#pattern === undefined ? text : text.replaceAll(this.#pattern, HIDDEN);
  }

  /** Of bytes that are no text. */
  ofBytes(bytes: Bytes): Bytes {
    if (this.#pattern === undefined) return bytes;
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return Uint8Array.from(this.of(text), (character) => character.charCodeAt(0));
  }
}

/** A text as it is, and as others write it who send it back. */
function formsOf(text: string): readonly string[] {
  const wellFormed = text.toWellFormed();
  const base64 = TEXT_ENCODER.encode(wellFormed).toBase64({ omitPadding: true });
  return [
    text,
    JSON.stringify(wellFormed).slice(1, -1),
    encodeURIComponent(wellFormed),
    encodeURI(wellFormed),
    base64,
    base64.replaceAll("+", "-").replaceAll("/", "_"),
  ];
}
