import { assertEquals } from "@std/assert";
import type { FailurePolicy } from "../../src/core/failures/failure_policy.ts";
import { HandlerError, type When } from "../../src/core/handler.ts";
import type { OutboundRecord } from "../../src/core/result_processor.ts";
import { parseGap, type Template, TemplateError } from "../../src/core/template.ts";
import { type Trial, tryOut } from "../../src/core/trial.ts";
import { LeaseController } from "../../src/core/lease.ts";
import { anEvent, bytes } from "../support/events.ts";
import { aResult, FakeHandler } from "../support/fakes/handler.ts";
import { FakeListener } from "../support/fakes/listener.ts";
import { FakeResultProcessor } from "../support/fakes/result_processor.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { NO_WAIT, runParts } from "../support/fakes/run_parts.ts";

const NEVER = new AbortController().signal;
const SUCCESS = aResult();
const REFUSED = aResult("onError", { status: "400", isTransient: false, suggestsOutage: false });
const BUSY = aResult("onError", { status: "503", retryAfterMs: 0 });
const SILENCE = new HandlerError("no response from 'POST http://a/': connection reset");
const UNSENT = new HandlerError("no response from 'POST http://a/': connection refused", {
  wasSent: false,
});
const NO_VALUE = new TemplateError("there is nothing for ${event.key}");

const DONE: When[] = ["onSuccess", "onError"];
const RETRY = { maxAttempts: 3, backoff: NO_WAIT };
const ONCE: FailurePolicy = { retry: null, noResponse: RETRY, onFailure: "block" };

interface Row {
  readonly name: string;
  readonly answer: ConstructorParameters<typeof FakeHandler>[0];
  readonly takers?: readonly (readonly When[])[];
  readonly templates?: { readonly key: Template };
  readonly policy?: Partial<FailurePolicy>;
  readonly outcome: string;
  readonly next: readonly string[];
  readonly isDone?: boolean;
  /** Whether a pipeline would wait for ever. */
  readonly neverEnds?: boolean;
}

const BLOCK =
  "block: repeat the call for ever, with growing pauses, while what comes behind it waits";
const AWAY = "call again, with growing pauses, for as long as the endpoint answers nothing";
const AGAIN = "call again after 0.0 s, as the response asks by Retry-After, up to 3 calls in all";

const ROWS: readonly Row[] = [
  {
    name: "a success",
    answer: SUCCESS,
    outcome: "success: status 200",
    next: ["publish the result to each eventResultProcessor for onSuccess (2)"],
    takers: [["onSuccess"], ["onError"], DONE],
    isDone: true,
  },
  {
    name: "a success that goes nowhere",
    answer: SUCCESS,
    outcome: "success: status 200",
    next: [
      "nothing is published: no eventResultProcessor is configured for onSuccess, the call was the purpose",
    ],
    takers: [["onError"]],
    isDone: true,
  },
  {
    name: "an error that is taken",
    answer: REFUSED,
    outcome: "error response: status 400",
    next: ["publish the error to each eventResultProcessor for onError (1)"],
    takers: [["onSuccess"], ["onError"]],
    isDone: true,
  },
  {
    name: "an error that may pass",
    answer: BUSY,
    policy: { retry: RETRY },
    outcome: "error response: status 503",
    next: [
      AGAIN,
      "if the last call brings the same, publish the error to each eventResultProcessor for onError (1)",
    ],
  },
  {
    name: "an error that may pass, when nothing is repeated",
    answer: BUSY,
    outcome: "error response: status 503",
    next: ["publish the error to each eventResultProcessor for onError (1)"],
    isDone: true,
  },
  {
    name: "an error that nobody takes",
    answer: BUSY,
    takers: [["onSuccess"]],
    outcome: "error response: status 503",
    next: [BLOCK],
    neverEnds: true,
  },
  {
    name: "an error that is discarded",
    answer: BUSY,
    takers: [["onSuccess"]],
    policy: { onFailure: "discard" },
    outcome: "error response: status 503",
    next: ["discard the event, with a warning in the log"],
  },
  {
    name: "an error that becomes a dead letter after several calls",
    answer: BUSY,
    takers: [["onSuccess"]],
    policy: { onFailure: "deadLetter", retry: RETRY },
    outcome: "error response: status 503",
    next: [AGAIN, "publish a dead letter"],
  },
  {
    name: "no response",
    answer: SILENCE,
    policy: { onFailure: "discard" },
    outcome: SILENCE.message,
    next: [
      AWAY,
      "when 3 calls for this event bring nothing and others are answered meanwhile, discard the event, with a warning in the log",
    ],
    neverEnds: true,
  },
  {
    name: "a call that was not sent",
    answer: UNSENT,
    policy: { onFailure: "discard" },
    outcome: UNSENT.message,
    next: [AWAY],
    neverEnds: true,
  },
  {
    name: "an event that cannot become a call",
    answer: NO_VALUE,
    policy: { onFailure: "deadLetter" },
    outcome: "no call or no result comes of this event: there is nothing for ${event.key}",
    next: ["publish a dead letter"],
  },
  {
    name: "a result without what its record needs",
    answer: SUCCESS,
    templates: { key: { parts: [parseGap("response.body.id")!] } },
    policy: { onFailure: "deadLetter" },
    outcome:
      "no call or no result comes of this event: there is nothing for ${response.body.id}; " +
      "a default would be ${response.body.id:-...}",
    next: ["publish a dead letter"],
  },
  {
    name: "a result whose record has a key of its own",
    answer: SUCCESS,
    templates: { key: { parts: ["a-", parseGap("event.key")!] } },
    outcome: "success: status 200",
    next: ["publish the result to each eventResultProcessor for onSuccess (1)"],
    takers: [DONE],
    isDone: true,
  },
];

function takersOf({ takers = [DONE], templates }: Row) {
  return takers.map((when) => ({ when, templates }));
}

async function trialOf(row: Row): Promise<{ trial: Trial; handler: FakeHandler }> {
  const handler = new FakeHandler(row.answer);
  const trial = await tryOut(anEvent(), {
    name: "orders",
    handler,
    takers: takersOf(row).map((taker, index) => ({ ...taker, place: `place ${index}` })),
    deadLetterPlace: "dead letters",
    policy: { ...ONCE, ...row.policy },
    log: new RecordedLog().log,
  }, NEVER);
  return { trial, handler };
}

for (const row of ROWS) {
  Deno.test(`tryOut() makes one call and says what becomes of ${row.name}`, async () => {
    const { trial, handler } = await trialOf(row);
    assertEquals(handler.calls.length, 1);
    const { outcome, next, isDone } = trial;
    assertEquals([outcome, next, isDone], [row.outcome, row.next, row.isDone ?? false]);
  });
}

for (const row of ROWS.filter(({ neverEnds }) => !neverEnds)) {
  Deno.test(`tryOut() foretells the records that runPipeline() publishes of ${row.name}`, async () => {
    const published: Map<string, OutboundRecord> = new Map();
    const store = (place: string) => {
      const processor = new FakeResultProcessor();
      return {
        processor,
        take: () => processor.stored.forEach((record) => published.set(place, record)),
      };
    };
    const stores = takersOf(row).map((taker, index) => ({ ...taker, ...store(`place ${index}`) }));
    const deadLetters = store("dead letters");
    await runParts({
      listener: new FakeListener(anEvent()),
      handler: new FakeHandler(row.answer),
      resultProcessors: stores,
      deadLetters: deadLetters.processor,
      policy: { ...ONCE, ...row.policy },
    }, new LeaseController());
    for (const { take } of [...stores, deadLetters]) take();

    const { trial } = await trialOf(row);
    const foretold = trial.records.map(({ taker, record }) => [taker.place, comparable(record)]);
    assertEquals(
      foretold,
      [...published].map(([place, record]) => [place, comparable(record)]),
    );
  });
}

/** Without the time of the failure. */
function comparable({ key, value, headers, topic }: OutboundRecord) {
  const name = "eventor-dead-letter-first-failed-at";
  return {
    key,
    value,
    topic,
    headers: headers.map(([header, value]) => [header, header === name ? bytes("") : value]),
  };
}
