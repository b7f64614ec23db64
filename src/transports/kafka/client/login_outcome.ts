import type { Socket } from "node:net";
import type { KafkaClientConfig } from "../config/mod.ts";
import type { LoginAttempt } from "./login_throttle.ts";
import { tlsRefusal } from "./tls_refusal.ts";

/** A broker that requires SASL closes a connection within this time when a request comes before the login. */
const CLOSED_AT_ONCE_MS = 2000;

/** Without a second response this long after the first, the login counts as successful: the client may send nothing. */
const SECOND_REQUEST_MS = 500;

/** The first bytes of a TLS alert record (RFC 8446, 5.1). */
const TLS_ALERT = [0x15, 0x03];

/** Decides a login by what happens on its socket. With SASL, only the exchange can show that a broker accepts it. */
export function watchLogin(
  socket: Socket,
  { broker, config: { tls, sasl }, attempt, asksVersions }: {
    broker: string;
    config: KafkaClientConfig;
    attempt: LoginAttempt;
    /** Whether ApiVersions is the first request. A broker answers it to anybody, and only the next one to its clients. */
    asksVersions: boolean;
  },
): void {
  const openedMs = performance.now();
  const decidingAnswer = asksVersions ? 2 : 1;
  let answers = 0;
  socket.on("data", function onData(bytes: Uint8Array) {
    answers++;
    if (answers === 1 && tls === null && TLS_ALERT.every((byte, at) => bytes[at] === byte)) {
      const refusal = attempt.refuse(
        `broker ${broker} requires TLS at this port: set security.protocol to ssl or sasl_ssl, or correct the port`,
      );
      socket.destroy(refusal);
    } else if (sasl === null && answers === decidingAnswer) {
      attempt.accept();
    } else if (sasl === null) {
      const timer = setTimeout(() => attempt.accept(), SECOND_REQUEST_MS);
      void attempt.outcome.then(() => clearTimeout(timer));
    }
    if (answers >= decidingAnswer) socket.off("data", onData);
  });
  // Prepended, so that kafkajs logs the error with this message.
  socket.prependOnceListener("error", (error: Error) => {
    if (tls !== null && !attempt.isDecided) {
      const reason = tlsRefusal(error.message, { broker, tls });
      if (reason !== null) error.message = attempt.refuse(reason).message;
      if (/unexpected end of file/.test(error.message)) {
        error.message =
          "it ends the connection instead of answering by TLS: does this port know TLS?";
      }
    }
    attempt.leaveUndecided();
  });
  socket.prependOnceListener("end", () => {
    const isAtOnce = answers === 1 && asksVersions &&
      performance.now() - openedMs < CLOSED_AT_ONCE_MS;
    // `end` also follows when this side has closed the connection.
    if (sasl === null && isAtOnce && !socket.writableEnded) {
      attempt.refuse(
        `broker ${broker} closes the connection at the first request: this port seems to require SASL: ` +
          "set security.protocol to sasl_ssl or sasl_plaintext, or correct the port",
      );
    }
    attempt.leaveUndecided();
  });
  socket.once("close", () => attempt.leaveUndecided());
}
