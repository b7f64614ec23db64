import { choice, toSchema } from "./scalar.ts";
import { oneOrList } from "./section.ts";
import type { When } from "../handler.ts";

/** The outcomes that a result processor is for. */
export const whenSchema = oneOrList(
  toSchema(choice<When>({ onSuccess: "onSuccess", onError: "onError" })),
).transform((outcomes): readonly When[] => [...new Set(outcomes)])
  .describe(
    "`onSuccess`: the response has a status < 400; `onError`: its status is 400 or above; one or a list",
  );
