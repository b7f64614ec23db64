import { TemporaryFiles } from "../tls/certificate_authority.ts";

/** How a secret gets into a configuration. */
export type Way = "env" | "file" | "literal";

/** No encoding but base64 and hexadecimal digits changes what a canary is told by. */
const TELLING = /[A-Za-z0-9]{16,}/g;

/** Secrets of a configuration, each a text that is nowhere else, to be looked for in what comes out. */
export class Canaries implements Disposable {
  readonly #files = new TemporaryFiles();
  readonly #variables: Record<string, string> = {};
  readonly #forms = new Map<string, readonly string[]>();

  /** The environment in which the configuration is read. */
  get env(): Readonly<Record<string, string>> {
    return this.#variables;
  }

  /** Makes a canary; returns what stands for it in the configuration. */
  plant(name: string, way: Way): string {
    const core = crypto.randomUUID().replaceAll("-", "");
    return this.plantText(name, way, `Cn${core}"+/`);
  }

  /** The same with a secret of a certain form. */
  plantText(name: string, way: Way, text: string): string {
    const label = `${name}, by ${way}`;
    this.know(label, text);
    const number = this.#forms.size;
    switch (way) {
      case "env":
        this.#variables[`CANARY_${number}`] = text;
        return `\${env:CANARY_${number}}`;
      case "file":
        return `\${file:${this.#files.write(`canary-${number}`, `${text}\n`)}}`;
      case "literal":
        return text;
    }
  }

  /** Looks for a secret besides, such as one that comes about later. */
  know(label: string, text: string): void {
    // Of a private key, each line tells it.
    this.#forms.set(label, (text.match(TELLING) ?? []).flatMap(formsOf));
  }

  /** The names of those that are in a text, in whatever form. */
  foundIn(text: string): string[] {
    return [...this.#forms].filter(([, forms]) => forms.some((form) => text.includes(form)))
      .map(([label]) => label);
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

function formsOf(telling: string): string[] {
  const bytes = new TextEncoder().encode(telling);
  // Its base64 depends on what comes before; at the ends, on its neighbours, too.
  const base64 = [0, 1, 2].map((before) =>
    new Uint8Array([...new Uint8Array(before), ...bytes]).toBase64().slice(4, -4)
  );
  return [telling, ...base64, bytes.toHex()];
}
