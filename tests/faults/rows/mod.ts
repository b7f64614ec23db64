import type { Row } from "../row.ts";
import { brokerKilled } from "./broker_killed.ts";
import { endpointBroken } from "./endpoint_broken.ts";
import { endpointDown } from "./endpoint_down.ts";
import { endpointErrors } from "./endpoint_errors.ts";
import { endpointHangs } from "./endpoint_hangs.ts";
import { endpointLarge } from "./endpoint_large.ts";
import { endpointSilent } from "./endpoint_silent.ts";
import { endpointSlow } from "./endpoint_slow.ts";
import { hostileInput } from "./hostile_input.ts";
import { killed } from "./killed.ts";
import { clock } from "./clock.ts";
import { hangingShutdown } from "./hanging_shutdown.ts";
import { misbehavingWorker } from "./misbehaving_worker.ts";
import { none } from "./none.ts";
import { rebalanceStorm } from "./rebalance_storm.ts";
import { suspended } from "./suspended.ts";
import { terminated } from "./terminated.ts";
import { unreadLog } from "./unread_log.ts";
import { sandboxed } from "./sandboxed.ts";

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
  endpointDown,
  endpointHangs,
  endpointSlow,
  endpointBroken,
  endpointErrors,
  endpointSilent,
  endpointLarge,
  hostileInput,
  sandboxed,
].toSorted((a, b) => a.number - b.number);
