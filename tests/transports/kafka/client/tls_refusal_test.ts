import { assertEquals } from "@std/assert";
import { tlsRefusal } from "../../../../src/transports/kafka/client/tls_refusal.ts";
import type { KafkaTlsConfig } from "../../../../src/transports/kafka/config/mod.ts";

const CHECKED = { verifyCertificate: true, verifyHostname: true };

Deno.test("tlsRefusal() names what is wrong, and the key to correct", async (t) => {
  const untrusted = "cannot trust broker kafka:9093: ";
  const refused = "broker kafka:9093 refuses TLS: ";
  const own = { ca: "CA", cert: "CERTIFICATE", key: "KEY", ...CHECKED };
  const table: [message: string, tls: KafkaTlsConfig, expected: string | null][] = [
    [
      "invalid peer certificate: UnknownIssuer",
      CHECKED,
      untrusted +
      "its certificate is of no authority that this system knows: give its authority's by ssl.ca.location",
    ],
    [
      "invalid peer certificate: UnknownIssuer",
      own,
      untrusted +
      "its certificate is of another authority than that of ssl.ca.location (or ssl.ca.pem)",
    ],
    [
      "invalid peer certificate: Expired",
      own,
      untrusted +
      "its certificate has expired: it needs a new one, or the clock of this system is wrong",
    ],
    [
      "invalid peer certificate: certificate expired: verification time 5 (UNIX), but certificate is not valid after 4",
      own,
      untrusted +
      "its certificate has expired: it needs a new one, or the clock of this system is wrong",
    ],
    [
      'invalid peer certificate: certificate not valid for name "kafka"; certificate is only valid for DnsName("a") or IpAddress(10.0.0.1)',
      own,
      untrusted + "its certificate is not for kafka but for a, 10.0.0.1: use the name of the " +
      "certificate in bootstrap.servers and in what brokers advertise, or give it another one",
    ],
    [
      "invalid peer certificate: BadSignature",
      own,
      untrusted +
      "its certificate is not accepted: it is signed by another authority of the same name",
    ],
    [
      "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
      own,
      untrusted +
      "its certificate is not accepted: it is a certificate of an authority (CA:TRUE), which a server " +
      "cannot use: recreate it with basicConstraints=CA:FALSE " +
      "('openssl req -x509 -addext basicConstraints=critical,CA:FALSE ...')",
    ],
    [
      'invalid peer certificate: certificate not valid for name "kafka"; certificate is not valid for any names (according to its subjectAltName extension)',
      own,
      untrusted +
      "its certificate is not accepted: it has no subjectAltName, which must have the " +
      "server's host name: its subject (CN) does not count",
    ],
    [
      "invalid peer certificate: Other(OtherError(SomethingNew(1)))",
      own,
      untrusted + "its certificate is not accepted",
    ],
    [
      "received fatal alert: CertificateRequired",
      CHECKED,
      refused + "it asks for a certificate of the client: set ssl.certificate.location and " +
      "ssl.key.location (CertificateRequired)",
    ],
    [
      "received fatal alert: UnknownCA",
      own,
      refused +
      "it does not accept the certificate of ssl.certificate.location (or ssl.certificate.pem) (UnknownCA)",
    ],
    [
      "received fatal alert: ProtocolVersion",
      own,
      refused + "it knows neither TLS 1.2 nor TLS 1.3",
    ],
    [
      "received corrupt message of type InvalidContentType",
      own,
      "broker kafka:9093 does not use TLS at this port: correct the port in bootstrap.servers, or security.protocol",
    ],
    ["connect ECONNREFUSED 127.0.0.1:9093", own, null],
    ["unexpected end of file", own, null],
    ["read ECONNRESET", own, null],
  ];
  for (const [message, tls, expected] of table) {
    await t.step(message, () => {
      assertEquals(tlsRefusal(message, { broker: "kafka:9093", tls }), expected);
    });
  }
});
