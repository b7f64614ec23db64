import { choice, toSchema } from "./scalar.ts";
import { oneOrList } from "./section.ts";
import type { When } from "../core/handler.ts";

/** Outcomes that a result processor is configured for. */
export const whenSchema = oneOrList(
  toSchema(choice<When>({ onSuccess: "onSuccess", onError: "onError" })),
).transform((outcomes): readonly When[] => [...new Set(outcomes)])
  .describe(
    "`onSuccess`: the response's status is below 300; `onError`: it is 400 or above, or a redirect that is not " +
      "followed; one or a list",
  );
