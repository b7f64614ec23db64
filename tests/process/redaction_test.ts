import { assertEquals } from "@std/assert";
import { Redaction } from "../../src/process/redaction.ts";
import { bytes } from "../support/events.ts";

const SECRET = 'p+ss "w/rd" ü';

Deno.test("Redaction hides a text, however it is written", async (t) => {
  const redaction = new Redaction([SECRET]);
  const forms = [
    SECRET,
    JSON.stringify(SECRET).slice(1, -1),
    'p+ss \\"w\\/rd\\" ü',
    'p+ss \\"w/rd\\" \\u00fc',
    'p+ss \\"w\\/rd\\" \\u00fc',
    encodeURIComponent(SECRET),
    "p%2bss%20%22w%2frd%22%20%c3%bc",
    String(new URLSearchParams({ "": SECRET })).slice(1),
    bytes(SECRET).toBase64({ omitPadding: true }),
    bytes(SECRET).toBase64({ alphabet: "base64url", omitPadding: true }),
  ];
  for (const form of forms) {
    await t.step(form, () => assertEquals(redaction.of(`a ${form} ${form}b`), "a *** ***b"));
  }
});

Deno.test("Redaction leaves short texts, which may be words of anything", () => {
  assertEquals(new Redaction(["seven c", ""]).of("seven c"), "seven c");
  assertEquals(new Redaction(["eight ch"]).of("eight ch"), "***");
});

Deno.test("Redaction hides the longer text, when one begins like the other", () => {
  const redaction = new Redaction(["password"]);
  redaction.add(["password1"]);
  assertEquals(redaction.of("password1 password"), "*** ***");
});

Deno.test("Redaction takes texts as they are, whatever they mean in patterns", () => {
  assertEquals(new Redaction(["a.b*c(d[e"]).of("a.b*c(d[e aXb*c(d[e"), "*** aXb*c(d[e");
});

Deno.test("Redaction hides texts among bytes that are none", () => {
  const hidden = new Redaction(["password"]).ofBytes(
    new Uint8Array([255, ...bytes("password"), 0]),
  );
  assertEquals(hidden, new Uint8Array([255, ...bytes("***"), 0]));
});
