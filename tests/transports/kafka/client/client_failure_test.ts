import { assertEquals } from "@std/assert";
import { AccessRefusedError } from "../../../../src/core/access_refused.ts";
import { clientFailure } from "../../../../src/transports/kafka/client/client_failure.ts";

Deno.test("clientFailure() gives the last reason, a refusal as it is, and what to do about a missing permission", async (t) => {
  const refused = new AccessRefusedError("broker kafka:9093 refuses user 'me'");
  const denied = Object.assign(new Error("Not authorized"), { type: "GROUP_AUTHORIZATION_FAILED" });
  const table: [cause: unknown, message: string, isRefusal: boolean][] = [
    [new Error("outer", { cause: new Error("inner") }), "cannot read: inner", false],
    [new Error("outer", { cause: refused }), refused.message, true],
    [
      new Error("outer", { cause: denied }),
      "cannot read: Not authorized: give the user the permission (ACL)",
      true,
    ],
    ["text", "cannot read: text", false],
  ];
  for (const [cause, message, isRefusal] of table) {
    await t.step(message, () => {
      const failure = clientFailure("cannot read", cause);
      assertEquals([failure.message, failure instanceof AccessRefusedError], [message, isRefusal]);
    });
  }
});
