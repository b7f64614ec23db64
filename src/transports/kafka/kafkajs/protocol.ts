/** kafkajs's encoding of Kafka's protocol, for what eventor encodes and decodes itself. */
export { default as Decoder } from "kafkajs/src/protocol/decoder.js";
export { default as Encoder } from "kafkajs/src/protocol/encoder.js";
export { createErrorFromCode } from "kafkajs/src/protocol/error.js";
export { default as MessageSetDecoder } from "kafkajs/src/protocol/messageSet/decoder.js";
