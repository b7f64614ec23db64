import { assertEquals } from "@std/assert";
import { ConnectError } from "../../../src/transports/sockets/connect_error.ts";
import { interleaved, isLocalhost } from "../../../src/transports/sockets/dials.ts";

Deno.test("ConnectError says by its code what it was, and what to do", () => {
  const cause = Object.assign(new Error("Too many open files (os error 24)"), { code: "EMFILE" });
  const { code, message } = ConnectError.of(cause);
  assertEquals(code, "EMFILE");
  assertEquals(
    message,
    "too many open connections: raise the limit of open files (ulimit -n) (EMFILE)",
  );
});

Deno.test("ConnectError of a refusal by the sandbox is no refusal of the connection", () => {
  const { code, message } = ConnectError.of(new Deno.errors.NotCapable("Requires net access"));
  assertEquals([code, message], ["EPERM", "the sandbox does not allow this host (EPERM)"]);
});

Deno.test("ConnectError knows what the runtime says of a name that it does not find", () => {
  const cause = new Error("failed to lookup address information: Name or service not known");
  assertEquals(ConnectError.of(cause).message, "host name not found (ENOTFOUND)");
});

Deno.test("ConnectError says the code, when it is an unusual one, and nothing of the runtime's text", () => {
  const cause = Object.assign(new Error("CANARY"), { code: "EPROTO" });
  assertEquals(ConnectError.of(cause).message, "cannot connect (EPROTO)");
  assertEquals(ConnectError.of(new Error("CANARY")).message, "cannot connect (UNKNOWN)");
});

Deno.test("interleaved() takes families in turn, beginning with the first one's", () => {
  assertEquals(interleaved(["::1", "::2", "::3", "1.1.1.1"]), ["::1", "1.1.1.1", "::2", "::3"]);
  assertEquals(interleaved(["1.1.1.1", "::1", "::2"]), ["1.1.1.1", "::1", "::2"]);
  assertEquals(interleaved([]), []);
});

Deno.test("isLocalhost() knows this machine's name, and no other one", () => {
  assertEquals(["localhost", "LOCALHOST", "localhost."].map(isLocalhost), [true, true, true]);
  assertEquals(["localhost.example", "a.localhost", "127.0.0.1"].filter(isLocalhost), []);
});
