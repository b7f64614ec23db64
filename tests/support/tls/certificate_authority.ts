import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { join } from "node:path";
import * as der from "./der.ts";

const DAY_MS = 86_400_000;

const ECDSA_WITH_SHA256 = der.sequence(der.objectIdentifier("1.2.840.10045.4.3.2"));
const COMMON_NAME = der.objectIdentifier("2.5.4.3");
const BASIC_CONSTRAINTS = der.objectIdentifier("2.5.29.19");
const SUBJECT_ALTERNATIVE_NAME = der.objectIdentifier("2.5.29.17");

/** Numbers of `GeneralName` (RFC 5280, 4.2.1.6). */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** A certificate and its key as PEM texts; the key is PKCS#8 and not encrypted. */
export interface CertifiedKey {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface CertificateOptions {
  /** Of whom it is; `CN=` is put before. */
  readonly commonName?: string;
  /** Host names and addresses of a server. */
  readonly names?: readonly string[];
  readonly validFrom?: Date;
  readonly validTo?: Date;
  /** 1: without extensions, and so without names. */
  readonly version?: 1 | 3;
}

/** An authority that signs certificates for tests, with elliptic keys on P-256. */
export class CertificateAuthority {
  /** Its own certificate. */
  readonly cert: string;
  readonly #name: string;
  readonly #key: KeyObject;

  /** @param options.isAuthority false for a certificate that signs nothing but itself, whatever it is used for */
  constructor(
    name = "Test authority",
    { isAuthority = true, ...options }: CertificateOptions & { isAuthority?: boolean } = {},
  ) {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#name = name;
    this.#key = privateKey;
    this.cert = this.#certificate(publicKey, { ...options, commonName: name, isAuthority });
  }

  /** Its own certificate with the key, as a server shows it that signs for itself. */
  get certifiedKey(): CertifiedKey {
    return { cert: this.cert, key: String(this.#key.export({ type: "pkcs8", format: "pem" })) };
  }

  /** A certificate for a server that is called by these names. */
  serverCertificate(
    names: readonly string[] = ["localhost", "127.0.0.1"],
    options: CertificateOptions = {},
  ): CertifiedKey {
    return this.certify({ commonName: names[0] ?? "server", names, ...options });
  }

  /** A certificate for a client of this name. */
  clientCertificate(commonName = "client", options: CertificateOptions = {}): CertifiedKey {
    return this.certify({ commonName, ...options });
  }

  /** Makes a key, and signs a certificate for it. */
  certify(options: CertificateOptions): CertifiedKey {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return {
      cert: this.#certificate(publicKey, { ...options, isAuthority: false }),
      key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    };
  }

  #certificate(
    publicKey: KeyObject,
    {
      commonName = "somebody",
      names = [],
      validFrom = new Date(Date.now() - DAY_MS),
      validTo = new Date(Date.now() + DAY_MS),
      version = 3,
      isAuthority,
    }: CertificateOptions & { isAuthority: boolean },
  ): string {
    const constraints = isAuthority ? der.sequence(der.boolean(true)) : der.sequence();
    const extensions = [
      der.sequence(BASIC_CONSTRAINTS, der.boolean(true), der.octetString(constraints)),
      ...(names.length === 0 ? [] : [
        der.sequence(
          SUBJECT_ALTERNATIVE_NAME,
          der.octetString(der.sequence(...names.map(generalName))),
        ),
      ]),
    ];
    const toBeSigned = der.sequence(
      ...(version === 1 ? [] : [der.explicit(0, der.integer(Uint8Array.of(version - 1)))]),
      der.integer(serialNumber()),
      ECDSA_WITH_SHA256,
      distinguishedName(this.#name),
      der.sequence(timeOf(validFrom), timeOf(validTo)),
      distinguishedName(commonName),
      new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
      ...(version === 1 ? [] : [der.explicit(3, der.sequence(...extensions))]),
    );
    const signature = new Uint8Array(sign("sha256", toBeSigned, this.#key));
    return der.pem(
      "CERTIFICATE",
      der.sequence(toBeSigned, ECDSA_WITH_SHA256, der.bitString(signature)),
    );
  }
}

/** Texts as files of a directory that is gone with its scope. */
export class TemporaryFiles implements Disposable {
  readonly directory: string = Deno.makeTempDirSync({ prefix: "eventor-files-" });

  /** Writes, or replaces in one step, a file; returns its path. */
  write(name: string, text: string): string {
    const path = join(this.directory, name);
    Deno.writeTextFileSync(`${path}.new`, text);
    Deno.renameSync(`${path}.new`, path);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.directory, { recursive: true });
  }
}

function distinguishedName(commonName: string): der.Der {
  return der.sequence(der.set(der.sequence(COMMON_NAME, der.utf8String(commonName))));
}

function generalName(name: string): der.Der {
  if (name.includes(":")) return der.implicit(IP_ADDRESS, ipv6Bytes(name));
  return /^\d+(\.\d+){3}$/.test(name)
    ? der.implicit(IP_ADDRESS, Uint8Array.from(name.split("."), Number))
    : der.implicit(DNS_NAME, new TextEncoder().encode(name));
}

function ipv6Bytes(address: string): Uint8Array {
  const [head = "", tail = ""] = address.split("::");
  const [first, last] = [head, tail].map((part) => part.split(":").filter((word) => word !== ""));
  const zeros = Array<string>(8 - first!.length - last!.length).fill("0");
  const words = [...first!, ...zeros, ...last!].map((word) => parseInt(word, 16));
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

function timeOf(time: Date): der.Der {
  return time.getUTCFullYear() < 2050 ? der.utcTime(time) : der.generalizedTime(time);
}

function serialNumber(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  // A positive number without needless zeros before it.
  bytes[0] = (bytes[0] ?? 0) & 0x7f | 0x40;
  return bytes;
}
