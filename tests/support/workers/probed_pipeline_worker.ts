/**
 * The Worker of a pipeline as it is, which in addition does the probes of its configuration when it is told to start.
 *
 * @module
 */
import "../../../src/process/pipeline_worker.ts";
import { probeWithNextMessage } from "./probes.ts";

probeWithNextMessage();
