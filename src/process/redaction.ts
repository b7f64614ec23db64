import type { Bytes } from "../core/event.ts";
import { REDACTED } from "../schema/url.ts";

/** Shorter texts occur in many payloads: redacting them would make payloads unreadable. */
const MIN_LENGTH = 8;

const TEXT_ENCODER = new TextEncoder();

/** Replaces texts by `***`, in every encoding that they may occur in. */
export class Redaction {
  readonly #forms = new Set<string>();
  #pattern: RegExp | undefined;

  constructor(texts: readonly string[]) {
    this.add(texts);
  }

  add(texts: readonly string[]): void {
    for (const text of texts.filter(({ length }) => length >= MIN_LENGTH)) {
      for (const form of formsOf(text)) this.#forms.add(form);
    }
    // Longest first, since one may be the start of another.
    const forms = [...this.#forms].sort((one, other) => other.length - one.length);
    this.#pattern = forms.length === 0
      ? undefined
      : new RegExp(forms.map(RegExp.escape).join("|"), "g");
  }

  of(text: string): string {
    return this.#pattern === undefined ? text : text.replaceAll(this.#pattern, REDACTED);
  }

  /** For bytes that are not UTF-8. */
  ofBytes(bytes: Bytes): Bytes {
    if (this.#pattern === undefined) return bytes;
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return Uint8Array.from(this.of(text), (character) => character.charCodeAt(0));
  }
}

/** A text, plain and as endpoints may encode it when they echo it. */
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

/** JSON in ASCII, as many libraries write it. */
function inAscii(json: string): string {
  return json.replaceAll(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
