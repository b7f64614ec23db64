import { assertEquals, assertRejects } from "@std/assert";
import { parsePlaceholder, TemplateError } from "../../../../src/core/template.ts";
import { TemplateText } from "../../../../src/schema/texts.ts";
import { anEvent, bytes } from "../../../support/events.ts";
import { openHandler } from "../../../support/http/handler.ts";
import { SERVERS_OF_TWO_PLACES } from "../../../support/http/servers/two_places.ts";
import { HOSTILE_KEYS, ORDINARY_KEYS } from "../../../support/http/url_keys.ts";

const NEVER = new AbortController().signal;

for (const [name, start] of Object.entries(SERVERS_OF_TWO_PLACES)) {
  Deno.test(`HttpHandler cannot be led to another path by a key, when the server is ${name}`, async (t) => {
    await using server = await start();
    const url = new TemplateText({
      parts: [`${server.origin}/orders/`, parsePlaceholder("event.key")!],
    });
    await using handler = openHandler(url, { method: "GET" });
    const answerFor = async (key: string) => {
      const { when, value } = await handler.handle(anEvent({ key: bytes(key) }), NEVER);
      return { when, value: new TextDecoder().decode(value) };
    };

    await t.step("which such a request would lead there", async () => {
      const response = await fetch(`${server.origin}/orders/..%2Fadmin%2Fx`);
      // Apache decodes no slash then, but what is behind it may.
      assertEquals(await response.text(), name.endsWith("NoDecode") ? "orders" : "admin");
    });
    for (const key of HOSTILE_KEYS) {
      await t.step(`fails for ${JSON.stringify(key)}`, async () => {
        await assertRejects(() => answerFor(key), TemplateError, "another path");
      });
    }
    for (const key of ORDINARY_KEYS) {
      await t.step(`reaches /orders/ for ${JSON.stringify(key)}`, async () => {
        assertEquals(await answerFor(key), { when: "onSuccess", value: "orders" });
      });
    }
  });
}
