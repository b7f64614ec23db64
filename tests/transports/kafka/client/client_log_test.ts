import { assertEquals } from "@std/assert";
import { LogThrottle } from "../../../../src/core/log_throttle.ts";
import { ClientLog } from "../../../../src/transports/kafka/client/client_log.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const [ERROR, WARN] = [1, 2];
const REFUSED = "Connection error: connect ECONNREFUSED 127.0.0.1:9092";

Deno.test("ClientLog says every ten seconds that a broker cannot be reached, for each broker", () => {
  const { said, advance, take } = aClientLog();
  take(REFUSED, { broker: "one:9092" });
  take(REFUSED, { broker: "two:9092" });
  advance(9_999);
  take(REFUSED, { broker: "one:9092" });
  take("Connection timeout", { broker: "one:9092" });
  advance(1);
  take("Connection timeout", { broker: "one:9092" });

  assertEquals(said(), [
    "WARN - cannot reach broker one:9092: connect ECONNREFUSED 127.0.0.1:9092; trying again",
    "WARN - cannot reach broker two:9092: connect ECONNREFUSED 127.0.0.1:9092; trying again",
    "WARN - cannot reach broker one:9092: connecting takes too long; trying again",
  ]);
});

Deno.test("ClientLog says once that a broker answers again, and when it is away anew at once", () => {
  const { clientLog, said, take } = aClientLog();
  clientLog.answered("one:9092");
  take(REFUSED, { broker: "one:9092" });
  clientLog.answered("two:9092");
  clientLog.answered("one:9092");
  clientLog.answered("one:9092");
  take(REFUSED, { broker: "one:9092" });

  const away =
    "WARN - cannot reach broker one:9092: connect ECONNREFUSED 127.0.0.1:9092; trying again";
  assertEquals(said(), [away, "INFO - broker one:9092 answers again", away]);
});

Deno.test("ClientLog says every ten seconds that a broker throttles the client, and for how long", () => {
  const { said, advance, take } = aClientLog();
  take("Throttled for 7500 ms", { broker: "one:9092", level: WARN });
  take("Throttled for 7500 ms", { broker: "one:9092", level: WARN });
  advance(10_000);
  take("Throttled for 300000 ms", { broker: "one:9092", level: WARN });

  const see = "see the quotas of the client's user and client.id";
  assertEquals(said(), [
    `WARN - broker one:9092 throttles this client: nothing is sent to it for 7.5 s; ${see}`,
    `WARN - broker one:9092 throttles this client: nothing is sent to it for 300 s; ${see}`,
  ]);
});

Deno.test("ClientLog leaves a refusal to whoever wanted to connect, and says when it is over", () => {
  const { clientLog, said, take } = aClientLog();
  clientLog.refused("one:9092", "its certificate has expired");
  take("Connection error: its certificate has expired", { broker: "one:9092" });
  take(REFUSED, { broker: "one:9092" });
  clientLog.answered("one:9092");
  clientLog.answered("one:9092");

  assertEquals(said(), [
    "WARN - cannot reach broker one:9092: connect ECONNREFUSED 127.0.0.1:9092; trying again",
    "INFO - broker one:9092 answers again",
  ]);
});

Deno.test("ClientLog says at DEBUG what else kafkajs says, and the same only every ten seconds", () => {
  const { said, advance, take } = aClientLog();
  take("The group is rebalancing, re-joining");
  take("The group is rebalancing, re-joining");
  take("Request Produce(key: 0, version: 7) timed out");
  advance(10_000);
  take("The group is rebalancing, re-joining");

  assertEquals(said(), [
    "DEBUG - kafkajs: Runner: The group is rebalancing, re-joining",
    "DEBUG - kafkajs: Runner: Request Produce(key: 0, version: 7) timed out",
    "DEBUG - kafkajs: Runner: The group is rebalancing, re-joining",
  ]);
});

Deno.test("ClientLog says no field beside the text", () => {
  const { said, take } = aClientLog();
  take("The group is rebalancing", { level: ERROR, payload: "secret" });
  assertEquals(said(), ["DEBUG - kafkajs: Runner: The group is rebalancing"]);
});

function aClientLog() {
  const recorded = new RecordedLog();
  let nowMs = 0;
  const throttle = new LogThrottle({ now: () => nowMs });
  const clientLog = new ClientLog(recorded.log, { throttle });
  const take = (
    message: string,
    { level = WARN, ...fields }: { level?: number } & Record<string, unknown> = {},
  ) =>
    clientLog.take({
      level,
      namespace: "Runner",
      label: "",
      log: { message, timestamp: "", ...fields },
    });
  return {
    clientLog,
    take,
    advance: (ms: number) => nowMs += ms,
    said: () => recorded.lines,
  };
}
