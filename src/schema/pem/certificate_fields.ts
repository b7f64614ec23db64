const SEQUENCE = 0x30;
const VERSION = 0xa0;

/** Fields of a certificate (RFC 5280, 4.1) that the runtime does not expose. */
export interface CertificateFields {
  /** 1 to 3. */
  readonly version: number;
  /** The public key with its algorithm, as DER (`SubjectPublicKeyInfo`). */
  readonly publicKey: Uint8Array;
}

/** Parses these fields; `undefined` when `der` is no certificate. */
export function certificateFields(der: Uint8Array): CertificateFields | undefined {
  const certificate = elementAt(der, 0);
  if (certificate?.tag !== SEQUENCE || certificate.end !== der.length) return undefined;
  const signed = elementAt(der, certificate.start);
  if (signed?.tag !== SEQUENCE) return undefined;
  const fields = elementsIn(der.subarray(0, signed.end), signed.start);
  const [first, ...others] = fields;
  const hasVersion = first?.tag === VERSION;
  // Serial number, algorithm, issuer, validity and subject come before.
  const publicKey = (hasVersion ? others : fields)[5];
  if (publicKey?.tag !== SEQUENCE) return undefined;
  return {
    version: hasVersion ? (der[first.end - 1] ?? 0) + 1 : 1,
    publicKey: der.subarray(publicKey.from, publicKey.end),
  };
}

interface Element {
  readonly tag: number;
  readonly from: number;
  /** Start of its content. */
  readonly start: number;
  readonly end: number;
}

function elementsIn(der: Uint8Array, from: number): readonly Element[] {
  const elements = [];
  for (let at = from; at < der.length;) {
    const element = elementAt(der, at);
    if (element === undefined) break;
    elements.push(element);
    at = element.end;
  }
  return elements;
}

function elementAt(der: Uint8Array, from: number): Element | undefined {
  const [tag, first] = [der[from], der[from + 1]];
  if (tag === undefined || first === undefined) return undefined;
  const lengthBytes = first < 0x80 ? 0 : first - 0x80;
  if (lengthBytes > 4) return undefined;
  const start = from + 2 + lengthBytes;
  const length = lengthBytes === 0
    ? first
    : der.subarray(from + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  const end = start + length;
  return end > der.length ? undefined : { tag, from, start, end };
}
