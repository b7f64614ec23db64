import { X509Certificate } from "node:crypto";
import { pemBlocks, pemText } from "./blocks.ts";

const LABELS: ReadonlySet<string> = new Set(["CERTIFICATE", "X509 CERTIFICATE"]);

/**
 * The version of a certificate, less one, in hexadecimal DER: the first field of the first of two nested sequences. It
 * is absent in version 1 (RFC 5280, 4.1). `X509Certificate` does not tell it.
 */
const VERSION = /^(?:30(?:[0-7].|81.{2}|82.{4}|83.{6})){2}a0030201(..)/;

export interface Certificate {
  readonly pem: string;
  /** 1 to 3. */
  readonly version: number;
  readonly der: Uint8Array;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** Reads a PEM text that holds only certificates; `refused` never quotes it. */
export function readCertificates(
  text: string,
): { readonly certificates: readonly Certificate[] } | { readonly refused: string } {
  const parsed = pemBlocks(text);
  if ("refused" in parsed) return parsed;
  const { blocks } = parsed;
  const other = blocks.find(({ label }) => !LABELS.has(label));
  if (other !== undefined) {
    return { refused: `it holds '${other.label}': put nothing but certificates in it` };
  }
  if (blocks.length === 0) {
    return { refused: "there is no '-----BEGIN CERTIFICATE-----' in it" };
  }
  const certificates: Certificate[] = [];
  for (const [index, { der }] of blocks.entries()) {
    const certificate = readCertificate(der);
    if (typeof certificate === "string") {
      const which = blocks.length === 1
        ? "the certificate"
        : `certificate ${index + 1} of ${blocks.length}`;
      return { refused: `${which} ${certificate}` };
    }
    certificates.push(certificate);
  }
  return { certificates };
}

/** Returns a certificate, or what is wrong with it. */
function readCertificate(der: Uint8Array<ArrayBuffer>): Certificate | string {
  const pem = pemText({ label: "CERTIFICATE", der });
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    requireUsable(pem);
    const version = Number.parseInt(VERSION.exec(der.toHex())?.[1] ?? "00", 16) + 1;
    return { pem, der, version, validFrom: new Date(validFrom), validTo: new Date(validTo) };
  } catch (error) {
    return /critical/i.test(String(error))
      ? "has a critical extension that is not supported"
      : "is damaged: it holds no certificate";
  }
}

/**
 * Checks that the TLS library, which supports less than `X509Certificate`, can read a certificate. It is tried as an
 * authority's: an unreadable client certificate would end the whole process (Deno 2.6.8).
 *
 * @throws {Error} when it cannot read it
 */
function requireUsable(pem: string): void {
  Deno.createHttpClient({ caCerts: [pem] }).close();
}
