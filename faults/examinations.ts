/**
 * What rows expect beyond the invariants. Each function names the cases that are not as they should be.
 *
 * @module
 */
import type { EndpointCall, History, Outcome, StoredEvent } from "./history.ts";

/** Events whose outcome does not stand in the topic in which it should. */
export function misplaced(
  { events, outcomes }: History,
  topicOf: (event: StoredEvent, outcome: Outcome) => string,
): string[] {
  const byPlace = new Map(events.map((event) => [placeOf(event), event]));
  return summarized(
    outcomes.flatMap((outcome) => {
      const event = byPlace.get(placeOf(outcome));
      if (event === undefined) return [];
      const expected = topicOf(event, outcome);
      const { topic } = outcome.stored;
      return topic === expected ? [] : [`${placeOf(event)} in ${topic}, not in ${expected}`];
    }),
    "outcomes stand in the wrong topic",
  );
}

/** Events whose outcome does not stand where it should after the last answer to a call for them. */
export function misplacedByAnswer(
  history: History,
  topicOf: (answer: string | undefined) => string,
): string[] {
  const lastAnswers = new Map(
    history.calls.toSorted((a, b) => a.attempt - b.attempt)
      .map((call) => [placeOf(call), call.answer]),
  );
  return misplaced(history, (event) => topicOf(lastAnswers.get(placeOf(event))));
}

/** How the endpoint ends a connection before a byte of the response. The request may come again at once then. */
const UNANSWERED: ReadonlySet<string> = new Set(["reset", "close"]);

/**
 * Events of which the endpoint did not get attempt 1, 2, 3 and so on, each exactly once, or twice when it ended the
 * connection of the first one without a response.
 */
export function notAsAttempted({ calls }: History): string[] {
  return summarized(
    [...callsByEvent(calls)].flatMap(([place, ofEvent]) => {
      const inOrder = ofEvent.toSorted((a, b) => a.attempt - b.attempt);
      const attempts = inOrder.filter((_, index) => !isSentAgain(inOrder, index))
        .map(({ attempt }) => attempt);
      const isComplete = attempts.every((attempt, index) => attempt === index + 1);
      return isComplete ? [] : [`${place} by attempts ${attempts.join(", ")}`];
    }),
    "events have calls at the endpoint that are not the attempts",
  );
}

/** Whether a call is the second of an attempt whose first brought no response. */
function isSentAgain(calls: readonly EndpointCall[], index: number): boolean {
  const [beforeFormer, former, call] = [calls[index - 2], calls[index - 1], calls[index]];
  return former !== undefined && former.attempt === call?.attempt &&
    beforeFormer?.attempt !== call.attempt && UNANSWERED.has(former.answer);
}

/** Events of which the endpoint got the same attempt more than once. */
export function repeatedAttempts({ calls }: History): string[] {
  return summarized(
    [...callsByEvent(calls)].flatMap(([place, ofEvent]) => {
      const attempts = ofEvent.map(({ attempt }) => attempt);
      return new Set(attempts).size === attempts.length ? [] : [`${place}: ${attempts.join(", ")}`];
    }),
    "events have an attempt that came twice to the endpoint",
  );
}

/** Calls that name no event that there is. */
export function callsForNothing({ events, calls }: History): string[] {
  const places = new Set(events.map(placeOf));
  return summarized(
    calls.map(placeOf).filter((place) => !places.has(place)),
    "calls name no event that there is",
  );
}

/** Events, among those meant, that were called for more often. */
export function calledOften(
  { events, calls }: History,
  { isMeant, most }: { isMeant: (event: StoredEvent) => boolean; most: number },
): string[] {
  const byEvent = callsByEvent(calls);
  return summarized(
    events.filter(isMeant).flatMap((event) => {
      const found = byEvent.get(placeOf(event))?.length ?? 0;
      return found <= most ? [] : [`${placeOf(event)} ${found} times`];
    }),
    `events were called for more than ${most} times`,
  );
}

/** Calls that came too soon after one that was answered like this. */
export function calledTooSoon(
  { calls }: History,
  { answer, pauseMs }: { answer: string; pauseMs: number },
): string[] {
  return summarized(
    [...callsByEvent(calls)].flatMap(([place, ofEvent]) =>
      ofEvent.flatMap(({ atMs }, index) => {
        const before = ofEvent[index - 1];
        if (before === undefined || before.answer !== answer) return [];
        const passedMs = atMs - before.atMs;
        return passedMs >= pauseMs ? [] : [`${place} ${passedMs} ms after`];
      })
    ),
    `calls came less than ${pauseMs} ms after an answer ${answer}`,
  );
}

/** Calls for events that stood too far behind the lowest one of their partition that had no outcome by then. */
export function beyondLookahead({ events, outcomes, calls }: History, most: number): string[] {
  const settledAt = new Map<string, number>();
  for (const outcome of outcomes) {
    const place = placeOf(outcome);
    const { atMs } = outcome.stored;
    settledAt.set(place, Math.min(settledAt.get(place) ?? Infinity, atMs));
  }
  const eventsOf = Map.groupBy(events, ({ partition }) => partition);
  const found: string[] = [];
  for (const [partition, ofPartition] of Map.groupBy(calls, ({ partition }) => partition)) {
    const inOrder = eventsOf.get(partition) ?? [];
    let lowest = 0;
    for (const call of ofPartition.toSorted((a, b) => a.atMs - b.atMs)) {
      const isSettled = (event: StoredEvent) =>
        (settledAt.get(placeOf(event)) ?? Infinity) <= call.atMs;
      while (lowest < inOrder.length && isSettled(inOrder[lowest]!)) lowest++;
      const ahead = call.offset - (inOrder[lowest]?.offset ?? call.offset);
      if (ahead >= most) found.push(`${placeOf(call)}, ${ahead} behind`);
    }
  }
  return summarized(found, `calls were ${most} events or more ahead`);
}

/** How many of the outcomes of events, among those meant, came later than so long after the event. */
export function shareLater(
  { events, outcomes }: History,
  { isMeant, ms }: { isMeant: (event: StoredEvent) => boolean; ms: number },
): number {
  const meant = new Map(events.filter(isMeant).map((event) => [placeOf(event), event.atMs]));
  const delays = outcomes.flatMap((outcome) => {
    const sentAtMs = meant.get(placeOf(outcome));
    return sentAtMs === undefined ? [] : [outcome.stored.atMs - sentAtMs];
  });
  return delays.filter((delay) => delay > ms).length / Math.max(delays.length, 1);
}

/** The calls for each event, in the order in which they came. */
function callsByEvent(calls: readonly EndpointCall[]): Map<string, EndpointCall[]> {
  return Map.groupBy(calls, placeOf);
}

function summarized(cases: readonly string[], what: string): string[] {
  return cases.length === 0 ? [] : [`${cases.length} ${what}: ${cases.slice(0, 3).join("; ")}`];
}

function placeOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}@${offset}`;
}
