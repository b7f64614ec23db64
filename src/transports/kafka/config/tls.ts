import { certificateWarnings, clientCertificate } from "../../../schema/pem/mod.ts";
import type { BlockProblem, ClientBlock, ClientField } from "./block.ts";

/** Certificates and keys as PEM texts, the key without a passphrase. `ca` adds to the platform's authorities. */
export interface KafkaTlsConfig {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly verifyCertificate: boolean;
  readonly verifyHostname: boolean;
}

const TLS_FIELDS: readonly ClientField[] = [
  "caPem",
  "caFile",
  "certificatePem",
  "certificateFile",
  "keyPem",
  "keyFile",
  "keyPassphrase",
  "verifyCertificate",
  "verifyHostname",
];
const EXCLUSIVE_FIELDS: readonly (readonly [ClientField, ClientField])[] = [
  ["caPem", "caFile"],
  ["certificatePem", "certificateFile"],
  ["keyPem", "keyFile"],
  ["tokenCaPem", "tokenCaFile"],
];

/** Missing, useless and conflicting keys for TLS. */
export function tlsProblems(block: ClientBlock): BlockProblem[] {
  const { values, writtenAs } = block;
  const problems: BlockProblem[] = [];
  const refuse = (key: string, refused: string) => problems.push({ key, refused });
  const isWritten = (field: ClientField) => writtenAs(field) !== undefined;

  if (!values.protocol.tls) {
    for (const name of TLS_FIELDS.map(writtenAs).filter((name) => name !== undefined)) {
      refuse(name, "has no effect without TLS: set security.protocol to ssl or sasl_ssl");
    }
  }
  for (const [first, second] of EXCLUSIVE_FIELDS) {
    const [name, other] = [writtenAs(first), writtenAs(second)];
    if (name !== undefined && other !== undefined) {
      refuse(name, `can't be combined with '${other}': leave one of them out`);
    }
  }
  const hasCertificate = isWritten("certificatePem") || isWritten("certificateFile");
  const hasKey = isWritten("keyPem") || isWritten("keyFile");
  if (hasCertificate && !hasKey) {
    refuse("ssl.key.location", "required with a certificate (or ssl.key.pem)");
  }
  if (hasKey && !hasCertificate) {
    refuse("ssl.certificate.location", "required with a key (or ssl.certificate.pem)");
  }
  if (isWritten("keyPassphrase") && !hasKey) refuse("ssl.key.password", "there is no key for it");

  if (hasCertificate && hasKey) {
    const problem = certificateProblem(block);
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

/** Which of certificate, key and passphrase does not fit the others, under the name that the user wrote. */
function certificateProblem({ values, writtenAs }: ClientBlock): BlockProblem | undefined {
  const cert = values.certificatePem ?? values.certificateFile;
  const key = values.keyPem ?? values.keyFile;
  if (cert === undefined || key === undefined) return undefined;
  const joined = clientCertificate({ cert, key, passphrase: values.keyPassphrase });
  if (!("refused" in joined)) return undefined;
  const fields: Record<typeof joined.part, readonly ClientField[]> = {
    cert: ["certificatePem", "certificateFile"],
    key: ["keyPem", "keyFile"],
    passphrase: ["keyPassphrase"],
  };
  const name = fields[joined.part].map(writtenAs).find((name) => name !== undefined);
  return { key: name ?? "ssl.key.password", refused: joined.refused };
}

/** Valid but risky TLS settings: weakened verification, certificates outside their period of validity. */
export function tlsWarnings({ values }: ClientBlock): string[] {
  if (!values.protocol.tls) return [];
  const warnings: string[] = [];
  if (!values.verifyCertificate) {
    warnings.push("enable.ssl.certificate.verification false lets anyone pose as a broker");
  } else if (!values.verifyHostname) {
    warnings.push("ssl.endpoint.identification.algorithm none lets other hosts pose as a broker");
  }
  const { ca, cert } = pemTexts(values);
  const ofAuthorities = certificateWarnings(ca ?? "", { of: "authorities" });
  const ofClient = certificateWarnings(cert ?? "", { of: "client" });
  return [
    ...warnings,
    ...ofAuthorities.map((warning) => `ssl.ca.location: ${warning}`),
    ...ofClient.map((warning) => `ssl.certificate.location: ${warning}`),
  ];
}

/** The TLS settings of a block without problems; null without TLS. */
export function tlsConfig(values: ClientBlock["values"]): KafkaTlsConfig | null {
  if (!values.protocol.tls) return null;
  const { ca, cert, key } = pemTexts(values);
  const joined = cert === undefined || key === undefined
    ? undefined
    : clientCertificate({ cert, key, passphrase: values.keyPassphrase });
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(joined === undefined || "refused" in joined ? {} : joined),
    verifyCertificate: values.verifyCertificate,
    verifyHostname: values.verifyHostname,
  };
}

function pemTexts(values: ClientBlock["values"]) {
  return {
    ca: values.caPem ?? values.caFile,
    cert: values.certificatePem ?? values.certificateFile,
    key: values.keyPem ?? values.keyFile,
  };
}
