import { gzipSync } from "node:zlib";
import type { Bytes } from "../src/core/event.ts";
import type { Misbehaviour } from "./endpoint_rules.ts";

const TEXT_ENCODER = new TextEncoder();
const GARBAGE = "\x16\x03\x01\x02\x00\x01\x00 220 this is not the server that you look for\r\n\r\n";

/** Bodies that take long to make, by their kind and size. */
const bodies = new Map<string, Bytes>();

/** What a misbehaving endpoint writes, and what it does with the connection after that. */
export interface Misdeed {
  readonly bytes: Bytes;
  readonly then: "keep" | "close" | "wait";
}

/** What is done in the place of sending the body back. */
export function misdeed(misbehaviour: Misbehaviour, body: Bytes): Misdeed {
  const { length } = body;
  switch (misbehaviour.kind) {
    case "hang":
      return { bytes: new Uint8Array(), then: "wait" };
    case "headOnly":
      return { bytes: text(`HTTP/1.1 200 -\r\ncontent-length: ${length}\r\n\r\n`), then: "wait" };
    case "reset":
    case "close":
      return { bytes: new Uint8Array(), then: "close" };
    case "garbage":
      return { bytes: text(GARBAGE), then: "close" };
    case "truncated":
      return {
        bytes: response(`content-length: ${length}`, body.subarray(0, length >> 1)),
        then: "close",
      };
    case "doubleHead":
      return {
        bytes: response(`content-length: ${length}\r\nHTTP/1.1 200 -`, body),
        then: "close",
      };
    case "twoLengths":
      return {
        bytes: response(`content-length: ${length}\r\ncontent-length: ${length + 1}`, body),
        then: "close",
      };
    case "large":
      return { bytes: sized(misbehaviour), then: "keep" };
    case "bomb":
      return { bytes: sized(misbehaviour), then: "keep" };
  }
}

function sized({ kind, bytes }: Extract<Misbehaviour, { bytes: number }>): Bytes {
  const name = `${kind} ${bytes}`;
  let made = bodies.get(name);
  if (made === undefined) {
    const plain = new Uint8Array(bytes).fill(0x78);
    const body = kind === "bomb" ? new Uint8Array(gzipSync(plain)) : plain;
    const encoding = kind === "bomb" ? "\r\ncontent-encoding: gzip" : "";
    made = response(`content-length: ${body.length}${encoding}`, body);
    bodies.set(name, made);
  }
  return made;
}

function response(headers: string, body: Bytes): Bytes {
  const head = text(`HTTP/1.1 200 -\r\n${headers}\r\n\r\n`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

function text(characters: string): Bytes {
  return TEXT_ENCODER.encode(characters);
}
