import { certificateProblem } from "../../sockets/certificate_problem.ts";
import type { KafkaTlsConfig } from "../config/mod.ts";

const CLIENT_CERTIFICATE = "ssl.certificate.location and ssl.key.location";

/**
 * Why the TLS handshake failed, with the key to correct; null for a network failure.
 *
 * @param message the error message of Deno, in the words of rustls
 */
export function tlsRefusal(
  message: string,
  { broker, tls }: { broker: string; tls: KafkaTlsConfig },
): string | null {
  const [, aboutBroker] = /^invalid peer certificate: (.*)$/s.exec(message) ?? [];
  if (aboutBroker !== undefined) {
    return `cannot trust broker ${broker}: ${aboutCertificate(aboutBroker, tls)}`;
  }
  const [, alert] = /received fatal alert: (\w+)/.exec(message) ?? [];
  if (alert !== undefined) return `broker ${broker} refuses TLS: ${aboutAlert(alert, tls)}`;
  if (/received corrupt message of type InvalidContentType/.test(message)) {
    return `broker ${broker} does not use TLS at this port: correct the port in bootstrap.servers, or security.protocol`;
  }
  return null;
}

function aboutCertificate(problem: string, { ca }: KafkaTlsConfig): string {
  if (problem === "UnknownIssuer") {
    return ca === undefined
      ? "its certificate is of no authority that this system knows: give its authority's by ssl.ca.location"
      : "its certificate is of another authority than that of ssl.ca.location (or ssl.ca.pem)";
  }
  if (/^Expired|^certificate expired/.test(problem)) {
    return "its certificate has expired: it needs a new one, or the clock of this system is wrong";
  }
  if (/^NotValidYet|^certificate not valid yet/.test(problem)) {
    return "its certificate is not valid yet: the clock of this system may be wrong";
  }
  const [, asked, names] =
    /^certificate not valid for name "(.*?)"; certificate is (?:only valid for|not valid for any names)(.*)$/s
      .exec(problem) ?? [];
  const of = nameList(names ?? "");
  if (asked !== undefined && of !== "") {
    return `its certificate is not for ${asked} but for ${of}: ` +
      "use the name of the certificate in bootstrap.servers and in what brokers advertise, or give it another one";
  }
  const reason = certificateProblem(problem);
  return `its certificate is not accepted${reason === undefined ? "" : `: ${reason}`}`;
}

function aboutAlert(alert: string, { cert }: KafkaTlsConfig): string {
  switch (alert) {
    case "ProtocolVersion":
      return "it knows neither TLS 1.2 nor TLS 1.3";
    case "UnrecognisedName":
    case "UnrecognizedName":
      return "it does not go by the name of bootstrap.servers, or by which brokers advertise it";
    case "InternalError":
    case "DecodeError":
    case "IllegalParameter":
      return `it answers ${alert}`;
  }
  return cert === undefined
    ? `it asks for a certificate of the client: set ${CLIENT_CERTIFICATE} (${alert})`
    : `it does not accept the certificate of ssl.certificate.location (or ssl.certificate.pem) (${alert})`;
}

/** Turns `DnsName("a") or IpAddress(1.2.3.4)` into `a, 1.2.3.4`. */
function nameList(names: string): string {
  const found = [...names.matchAll(/(?:DnsName|IpAddress)\("?(.*?)"?\)/g)].map(([, name]) => name);
  return found.join(", ");
}
