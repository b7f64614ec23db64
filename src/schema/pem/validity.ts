import { type Certificate, readCertificates } from "./certificates.ts";

/**
 * Warns of certificates that are not valid now. Time or a changed file may make them valid without a restart, so they
 * are not refused. For authorities, one valid certificate is enough.
 */
export function certificateWarnings(
  pem: string,
  { of, now = new Date() }: { of: "authorities" | "client"; now?: Date },
): readonly string[] {
  const read = readCertificates(pem);
  if ("refused" in read) return [];
  const [first, ...others] = of === "client" ? read.certificates.slice(0, 1) : read.certificates;
  if (first === undefined) return [];
  const reason = invalidity(first, now);
  if (reason === null || others.some((other) => invalidity(other, now) === null)) return [];
  return [others.length === 0 ? reason : `none of its certificates is valid: ${reason}`];
}

function invalidity({ validFrom, validTo }: Certificate, now: Date): string | null {
  if (now > validTo) return `the certificate has expired on ${dayOf(validTo)}`;
  if (now < validFrom) return `the certificate is not valid before ${dayOf(validFrom)}`;
  return null;
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
