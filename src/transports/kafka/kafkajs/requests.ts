import Requests from "kafkajs/src/protocol/requests/index.js";
import { replacement } from "./replacement.ts";

/** The fields of a decoded Metadata response used here. */
interface MetadataResponse {
  readonly topicMetadata: readonly {
    readonly partitionMetadata: readonly { partitionErrorCode: number }[];
  }[];
}

const { versions, protocol } = Requests.requests.Metadata;

export const REQUESTS = replacement("Requests", Requests.requests, {
  /** A partition without a leader gets the leader -1. kafkajs rejects all metadata while one has an error. */
  Metadata: {
    versions,
    protocol: ({ version }: { version: number }) => (request: unknown) => {
      const metadata = protocol({ version })(request);
      const { decode, parse } = metadata.response;
      // A topic's own errors stay errors.
      const parsePartial = (response: MetadataResponse) => parse(withoutPartitionErrors(response));
      return { ...metadata, response: { decode, parse: parsePartial } };
    },
  },
});

function withoutPartitionErrors(metadata: MetadataResponse): MetadataResponse {
  for (const { partitionMetadata } of metadata.topicMetadata) {
    // A leader named with an error may still work, as when one of its followers is away.
    for (const partition of partitionMetadata) partition.partitionErrorCode = 0;
  }
  return metadata;
}
