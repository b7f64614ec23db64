import type { Row } from "../row.ts";
import { blackhole } from "./blackhole.ts";
import { brokerKilled } from "./broker_killed.ts";
import { clock } from "./clock.ts";
import { coordinatorMoved } from "./coordinator_moved.ts";
import { endpointBroken } from "./endpoint_broken.ts";
import { endpointDown } from "./endpoint_down.ts";
import { endpointErrors } from "./endpoint_errors.ts";
import { endpointHangs } from "./endpoint_hangs.ts";
import { endpointLarge } from "./endpoint_large.ts";
import { endpointSilent } from "./endpoint_silent.ts";
import { endpointSlow } from "./endpoint_slow.ts";
import { hangingShutdown } from "./hanging_shutdown.ts";
import { hostileInput } from "./hostile_input.ts";
import { killed } from "./killed.ts";
import { leaderMoved } from "./leader_moved.ts";
import { misbehavingWorker } from "./misbehaving_worker.ts";
import { none } from "./none.ts";
import { partitionsAdded } from "./partitions_added.ts";
import { rebalanceStorm } from "./rebalance_storm.ts";
import { refusedAndThrottled } from "./refused_and_throttled.ts";
import { retention } from "./retention.ts";
import { rollingRestart } from "./rolling_restart.ts";
import { sandboxed } from "./sandboxed.ts";
import { slowNetwork } from "./slow_network.ts";
import { suspended } from "./suspended.ts";
import { terminated } from "./terminated.ts";
import { topicRecreated } from "./topic_recreated.ts";
import { unreadLog } from "./unread_log.ts";

/** All rows, in the order in which they run. */
export const ROWS: readonly Row[] = [
  blackhole,
  brokerKilled,
  clock,
  coordinatorMoved,
  endpointBroken,
  endpointDown,
  endpointErrors,
  endpointHangs,
  endpointLarge,
  endpointSilent,
  endpointSlow,
  hangingShutdown,
  hostileInput,
  killed,
  leaderMoved,
  misbehavingWorker,
  none,
  partitionsAdded,
  rebalanceStorm,
  refusedAndThrottled,
  retention,
  rollingRestart,
  sandboxed,
  slowNetwork,
  suspended,
  terminated,
  topicRecreated,
  unreadLog,
].toSorted((a, b) => a.number - b.number);
