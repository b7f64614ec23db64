import { Buffer } from "node:buffer";
import Requests from "kafkajs/src/protocol/requests/index.js";
import type { Bytes, RecordHeader } from "../../../src/core/event.ts";
import { RequestMemory } from "../../../src/transports/kafka/kafkajs/encoder.ts";
import { writtenHere } from "../../../src/transports/kafka/kafkajs/produce_request.ts";
import {
  recordSize,
  type WritableRecord,
} from "../../../src/transports/kafka/records/record_writer.ts";

/** A message of kafkajs's producer, with a list of headers. */
interface Message {
  readonly key?: Bytes | string | null;
  readonly value: Bytes | string | null;
  readonly headers?: readonly RecordHeader[];
}

interface Request {
  readonly acks: number;
  readonly timeout: number;
  readonly compression: number;
  readonly transactionalId?: string;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly { partition: number; messages: readonly Message[] }[];
  }[];
}

const NO_COMPRESSION = 0;

let isUsed = false;

/**
 * Has kafkajs's producers write lists of headers, unless records are compressed or of a transaction. Its own headers are
 * objects, which lose their order.
 */
export function useListHeaders(): void {
  if (isUsed) return;
  isUsed = true;
  const { versions, protocol } = Requests.requests.Produce;
  Requests.requests.Produce = {
    versions,
    protocol: (api: object) => {
      const produce = protocol(api);
      return (request: Request) => {
        const { acks, timeout, compression, topicData: [data, ...others] } = request;
        const own = produce(request);
        const isPlain = compression === NO_COMPRESSION && request.transactionalId === undefined;
        if (data === undefined || others.length > 0 || !isPlain) return own;
        const partitions = data.partitions.map(({ partition, messages }) => ({
          partition,
          records: messages.map(toRecord),
        }));
        const memory = new RequestMemory();
        const topicData = [{ topic: data.topic, partitions, memory }] as const;
        const { request: written } = writtenHere(produce)({
          acks,
          timeout,
          compression,
          topicData,
        });
        return { ...own, request: written };
      };
    },
  };
}

function toRecord({ key = null, value, headers = [] }: Message): WritableRecord {
  const record = { key: toBytes(key), value: toBytes(value), headers };
  return { ...record, size: recordSize(record) };
}

function toBytes(bytes: Bytes | string | null): Bytes | null {
  return typeof bytes === "string" ? Buffer.from(bytes) : bytes;
}
