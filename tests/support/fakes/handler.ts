import type { InboundEvent } from "../../../src/core/event.ts";
import type { ErrorResponse, Handler, Result, When } from "../../../src/core/handler.ts";
import { bytes } from "../events.ts";

/** A result as an endpoint's response would make it. */
export function aResult(
  when: When = "onSuccess",
  { value = "result", ...error }: { value?: string } & Partial<ErrorResponse> = {},
): Result {
  const { status = when === "onSuccess" ? "200" : "503" } = error;
  const answer = {
    summary: `status ${status}`,
    value: bytes(value),
    headers: [["eventor-status", bytes(status)]] as const,
  };
  if (when === "onSuccess") return { when, ...answer };
  return {
    when,
    ...answer,
    error: { status, isTransient: true, suggestsOutage: true, isAboutServer: true, ...error },
  };
}

/** Answers with what it was made with, one answer a call and the last one for good; errors are thrown. */
export class FakeHandler implements Handler {
  /** Places of the events it was called for. */
  readonly calls: string[] = [];
  readonly signals: AbortSignal[] = [];
  /** Which call for its event each of them was. */
  readonly attempts: (number | undefined)[] = [];
  readonly #answers: readonly (Answer | (() => Answer))[];

  constructor(...answers: (Answer | (() => Answer))[]) {
    this.#answers = answers;
  }

  async handle({ origin }: InboundEvent, signal: AbortSignal, attempt?: number): Promise<Result> {
    const next = this.#answers[Math.min(this.calls.length, this.#answers.length - 1)];
    this.calls.push(`${origin}`);
    this.signals.push(signal);
    this.attempts.push(attempt);
    const answer = await (typeof next === "function" ? next() : next);
    if (answer === undefined) throw new TypeError("A fake handler needs an answer");
    if (answer instanceof Error) throw answer;
    return answer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

type Answer = Result | Error | Promise<Result>;
