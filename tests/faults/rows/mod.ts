import type { Row } from "../row.ts";
import { brokerKilled } from "./broker_killed.ts";
import { killed } from "./killed.ts";
import { none } from "./none.ts";

/** All rows, in the order in which they run. */
export const ROWS: readonly Row[] = [
  none,
  killed,
  brokerKilled,
].toSorted((a, b) => a.number - b.number);
