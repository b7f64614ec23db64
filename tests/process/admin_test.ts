import { assertEquals } from "@std/assert";
import { type AdminSubject, respond } from "../../src/process/admin.ts";

const READY: AdminSubject = { isLive: true, readiness: [{ name: "orders", reasons: [] }] };

function get(path: string, { subject = READY, host = "127.0.0.1:9464", method = "GET" } = {}) {
  const request = new Request(`http://${host}${path}`, { method });
  return respond(request, { hostname: "127.0.0.1" }, subject);
}

Deno.test("/livez is 200 as long as the Workers answer, whether pipelines are ready or not", () => {
  const notReady = [{ name: "orders", reasons: ["the endpoint is away"] }];
  assertEquals(get("/livez").status, 200);
  assertEquals(get("/livez", { subject: { isLive: true, readiness: notReady } }).status, 200);
  assertEquals(get("/livez", { subject: { ...READY, isLive: false } }).status, 503);
});

Deno.test("/readyz is 200 when every pipeline is ready, and 503 with the reasons otherwise", async () => {
  const ready = get("/readyz");
  assertEquals([ready.status, await ready.json()], [200, {
    ready: true,
    pipelines: [{ name: "orders", ready: true, reasons: [] }],
  }]);
  const reasons = ["cannot reach broker a:9092: connection refused"];
  const response = get("/readyz", {
    subject: { isLive: true, readiness: [...READY.readiness, { name: "others", reasons }] },
  });
  assertEquals([response.status, await response.json()], [503, {
    ready: false,
    pipelines: [
      { name: "orders", ready: true, reasons: [] },
      { name: "others", ready: false, reasons },
    ],
  }]);
});

Deno.test("the admin interface answers to its own host, and to addresses", async (t) => {
  const table: [host: string, status: number][] = [
    ["localhost:9464", 200],
    ["127.0.0.1", 200],
    ["10.1.2.3:9464", 200],
    ["[::1]:9464", 200],
    ["evil.example:9464", 421],
    ["127.0.0.1.evil.example", 421],
  ];
  for (const [host, status] of table) {
    await t.step(host, () => assertEquals(get("/livez", { host }).status, status));
  }
});

Deno.test("the admin interface has nothing else, and changes nothing", () => {
  assertEquals(get("/").status, 404);
  assertEquals(get("/readyz/").status, 404);
  assertEquals(get("/livez", { method: "POST" }).status, 405);
  assertEquals(get("/livez", { method: "HEAD" }).status, 200);
});
