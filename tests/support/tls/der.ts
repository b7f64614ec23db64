/**
 * Writes what certificates and keys are made of (X.690, DER). Each function makes one element.
 *
 * @module
 */

export type Der = Uint8Array<ArrayBuffer>;

export function sequence(...elements: readonly Uint8Array[]): Der {
  return element(0x30, ...elements);
}

export function set(...elements: readonly Uint8Array[]): Der {
  return element(0x31, ...elements);
}

/** An element that is known by its place, with another one in it. */
export function explicit(number: number, inner: Uint8Array): Der {
  return element(0xa0 + number, inner);
}

/** Bytes that are known by their place. */
export function implicit(number: number, bytes: Uint8Array): Der {
  return element(0x80 + number, bytes);
}

/** An integer that is not negative, from its bytes. */
export function integer(bytes: Uint8Array): Der {
  return (bytes[0] ?? 0) < 0x80 ? element(0x02, bytes) : element(0x02, new Uint8Array(1), bytes);
}

export function boolean(value: boolean): Der {
  return element(0x01, Uint8Array.of(value ? 0xff : 0));
}

export function bitString(bytes: Uint8Array): Der {
  return element(0x03, new Uint8Array(1), bytes);
}

export function octetString(bytes: Uint8Array): Der {
  return element(0x04, bytes);
}

export function utf8String(text: string): Der {
  return element(0x0c, new TextEncoder().encode(text));
}

/** To the second. */
export function generalizedTime(time: Date): Der {
  const digits = time.toISOString().replace(/\.\d+Z$/, "Z").replaceAll(/[-:T]/g, "");
  return element(0x18, new TextEncoder().encode(digits));
}

/** Before 2050, certificates have this kind of times. */
export function utcTime(time: Date): Der {
  const digits = time.toISOString().replace(/\.\d+Z$/, "Z").replaceAll(/[-:T]/g, "").slice(2);
  return element(0x17, new TextEncoder().encode(digits));
}

export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  return element(0x06, Uint8Array.from([40 * first + second, ...others].flatMap(base128)));
}

/** An element as a block of a PEM text. */
export function pem(label: string, bytes: Der): string {
  const lines = bytes.toBase64().match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits.unshift(rest % 128 + 128);
  }
  return digits;
}

function element(tag: number, ...contents: readonly Uint8Array[]): Der {
  const length = contents.reduce((sum, { length }) => sum + length, 0);
  return Uint8Array.from([tag, ...lengthBytes(length), ...contents.flatMap((part) => [...part])]);
}

function lengthBytes(length: number): number[] {
  if (length < 128) return [length];
  const digits = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return [128 + digits.length, ...digits];
}
