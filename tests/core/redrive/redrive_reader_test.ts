import { assertEquals } from "@std/assert";
import {
  parseReaderName,
  readerName,
  type RedriveScope,
} from "../../../src/core/redrive/redrive_reader.ts";

const SCOPES: { scope: RedriveScope; name: string }[] = [
  { scope: { pipeline: "orders" }, name: "eventor-redrive-orders" },
  {
    scope: { pipeline: "orders", filter: { name: "status", value: "503" } },
    name: "eventor-redrive-orders:status=503",
  },
  {
    scope: { pipeline: "MY_TOPIC-to-MY.OTHER", filter: { name: "source-topic", value: "a:b" } },
    name: "eventor-redrive-MY_TOPIC-to-MY.OTHER:source-topic=a%3Ab",
  },
  { scope: { pipeline: "orders:status=503" }, name: "eventor-redrive-orders%3Astatus=503" },
  { scope: { pipeline: "Bücher & mehr" }, name: "eventor-redrive-B%C3%BCcher%20%26%20mehr" },
];

for (const { scope, name } of SCOPES) {
  Deno.test(`readerName() is '${name}', and parseReaderName() knows what it stands for`, () => {
    assertEquals(readerName(scope), name);
    assertEquals(parseReaderName(name), scope);
  });
}

Deno.test("parseReaderName() is null for other groups", () => {
  const names = [
    "orders",
    "my-eventor-redrive-orders",
    "eventor-redrive-orders:colour=red",
    "eventor-redrive-orders:status=503:status=504",
    "eventor-redrive-%zz",
    "eventor-redrive-orders:status=%zz",
  ];
  for (const name of names) assertEquals(parseReaderName(name), null, name);
});
