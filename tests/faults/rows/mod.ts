import type { Row } from "../row.ts";
import { brokerKilled } from "./broker_killed.ts";
import { killed } from "./killed.ts";
import { clock } from "./clock.ts";
import { hangingShutdown } from "./hanging_shutdown.ts";
import { misbehavingWorker } from "./misbehaving_worker.ts";
import { none } from "./none.ts";
import { rebalanceStorm } from "./rebalance_storm.ts";
import { suspended } from "./suspended.ts";
import { terminated } from "./terminated.ts";
import { unreadLog } from "./unread_log.ts";

/** All rows, in the order in which they run. */
export const ROWS: readonly Row[] = [
  none,
  terminated,
  hangingShutdown,
  killed,
  suspended,
  brokerKilled,
  rebalanceStorm,
  clock,
  misbehavingWorker,
  unreadLog,
];
