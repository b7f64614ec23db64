/**
 * The discovery Worker as it is, which in addition does the probes of its configuration when it is asked.
 *
 * @module
 */
import "../../../src/process/discovery_worker.ts";
import { probeWithNextMessage } from "./probes.ts";

probeWithNextMessage();
