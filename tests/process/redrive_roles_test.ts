import { assertEquals } from "@std/assert";
import { pipelineSchema } from "../../src/config/schema.ts";
import { redriveRoles } from "../../src/process/redrive_roles.ts";

const KAFKA = {
  eventListener: {
    type: "kafka",
    topic: "ORDERS",
    consumerConfig: { "bootstrap.servers": "broker:9092", "group.id": "orders" },
  },
  deadLetter: {
    type: "kafka",
    topic: "DEAD",
    producerConfig: { "bootstrap.servers": "broker:9092" },
  },
};

function rolesOf(sections: Record<string, unknown>) {
  const eventHandler = { type: "http", url: "http://localhost:8080/" };
  return redriveRoles(pipelineSchema.parse({ name: "orders", eventHandler, ...sections }));
}

Deno.test("redriveRoles() has what reads dead letters and what writes their events back", () => {
  assertEquals("problem" in rolesOf(KAFKA), false);
});

const PROBLEMS: { sections: Record<string, unknown>; problem: string }[] = [
  {
    sections: { eventListener: KAFKA.eventListener },
    problem: "it has no 'deadLetter': add that section",
  },
  {
    sections: { ...KAFKA, deadLetter: { type: "stdout" } },
    problem: "a 'deadLetter' of type stdout cannot be read",
  },
  {
    sections: { ...KAFKA, eventListener: { type: "stdin" } },
    problem: "an 'eventListener' of type stdin cannot take events back",
  },
];

for (const { sections, problem } of PROBLEMS) {
  Deno.test(`redriveRoles() tells that ${problem}`, () => {
    assertEquals(rolesOf(sections), { problem });
  });
}
