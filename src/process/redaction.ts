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
  const json = JSON.stringify(wellFormed).slice(1, -1);
  const percent = encodeURIComponent(wellFormed);
  const base64 = TEXT_ENCODER.encode(wellFormed).toBase64({ omitPadding: true });
  return [
    text,
    ...[json, json.replaceAll("/", "\\/")].flatMap((form) => [form, inAscii(form)]),
    ...[percent, encodeURI(wellFormed), percent.replaceAll("%20", "+")]
      .flatMap((form) => [form, form.replaceAll(/%../g, (code) => code.toLowerCase())]),
    base64,
    base64.replaceAll("+", "-").replaceAll("/", "_"),
  ];
}

/** JSON without other characters, as many write it. */
function inAscii(json: string): string {
  return json.replaceAll(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
