import type { Bytes } from "../../../../core/event.ts";
import type { PieceReader } from "./piece_reader.ts";

const PIECE_BYTES = 64 * 1024;
const INPUT_BYTES = 16 * 1024;
/** What the library needs beside the window and the two buffers: tables, and the blocks that it is at. */
const STATE_BYTES = 640 * 1024;

const MEBIBYTE = 1024 * 1024;
/** RFC 8878 (3.1.1.1.2) recommends that decoders support this much, and that encoders need no more. */
const MAX_WINDOW_BYTES = 8 * MEBIBYTE;

const MAGIC = 0xfd2fb528;
const SINGLE_SEGMENT = 0x20;
const MAX_HEADER_BYTES = 18;

/** `ZSTD_inBuffer` and `ZSTD_outBuffer`: a pointer, the size of what it points to, and the position there. */
const STRUCT_BYTES = 12;
const SIZE = 4;
const POSITION = 8;

/** Errors of libzstd that are not of damaged bytes. */
const WINDOW_TOO_LARGE = -16;
const WRONG_DICTIONARY = -32;
const NO_MEMORY = -64;

type NativeFunction = (...values: number[]) => number;

/** The part of libzstd that zstddec has. Pointers and sizes are numbers. */
interface Libzstd {
  readonly memory: WebAssembly.Memory;
  /** Returns 0 when there is no memory. */
  readonly allocate: (size: number) => number;
  readonly free: (pointer: number) => void;
  /** Returns 0 when there is no memory. */
  readonly createContext: () => number;
  readonly freeContext: (context: number) => void;
  /** Returns 0 at the end of a frame, and an error below 0. */
  readonly decompress: (context: number, output: number, input: number) => number;
}

let libzstd: Promise<Libzstd> | undefined;

/**
 * Starts to decompress frames of zstd. The library is loaded by the first batch that needs it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8878
 */
export async function openZstd(bytes: Bytes): Promise<PieceReader> {
  return new ZstdPieces(await (libzstd ??= loadLibzstd()), bytes);
}

/** zstddec's own stream ignores errors of libzstd, and never frees its memory when it is not read to the end. */
async function loadLibzstd(): Promise<Libzstd> {
  const { ZSTDDecoder } = await import("zstddec/stream");
  let exports: WebAssembly.Exports = {};
  class Decoder extends ZSTDDecoder {
    override _init(result: WebAssembly.WebAssemblyInstantiatedSource): void {
      super._init(result);
      exports = result.instance.exports;
    }
  }
  await new Decoder().init();
  return {
    memory: exports.memory as WebAssembly.Memory,
    allocate: exports.malloc as NativeFunction,
    free: exports.free as NativeFunction,
    createContext: exports["ZSTD_createDCtx"] as NativeFunction,
    freeContext: exports["ZSTD_freeDCtx"] as NativeFunction,
    decompress: exports["ZSTD_decompressStream"] as NativeFunction,
  };
}

/** libzstd checks each reference, and the checksum and the length of a frame that has them. */
class ZstdPieces implements PieceReader {
  readonly #libzstd: Libzstd;
  readonly #bytes: Bytes;
  readonly #context: number;
  /** Where the two structs stand in the library's memory, and behind them the two buffers. */
  readonly #input: number;
  readonly #output: number;
  readonly #inputBuffer: number;
  readonly #outputBuffer: number;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #position = 0;
  /** The frame that is being read; null between two. */
  #frame: { readonly windowBytes: number; inflatedBytes: number } | null = null;
  #maxWindowBytes = 0;
  #isClosed = false;

  constructor(libzstd: Libzstd, bytes: Bytes) {
    this.#libzstd = libzstd;
    this.#bytes = bytes;
    this.#context = libzstd.createContext();
    this.#input = libzstd.allocate(2 * STRUCT_BYTES + INPUT_BYTES + PIECE_BYTES);
    this.#output = this.#input + STRUCT_BYTES;
    this.#inputBuffer = this.#output + STRUCT_BYTES;
    this.#outputBuffer = this.#inputBuffer + INPUT_BYTES;
    if (this.#context === 0 || this.#input === 0) {
      this.close();
      throw noMemory();
    }
  }

  get heldBytes(): number {
    const windowBytes = Math.min(this.#maxWindowBytes, MAX_WINDOW_BYTES);
    return windowBytes + STATE_BYTES + INPUT_BYTES + 2 * PIECE_BYTES;
  }

  next(): Bytes | null {
    if (this.#isClosed) return null;
    try {
      const piece = this.#next();
      if (piece === null) this.close();
      return piece;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#libzstd.freeContext(this.#context);
    this.#libzstd.free(this.#input);
  }

  #next(): Bytes | null {
    for (;;) {
      const rest = this.#bytes.subarray(this.#position);
      if (this.#frame === null) {
        if (rest.length === 0) return null;
        this.#frame = { windowBytes: windowBytesOf(rest), inflatedBytes: 0 };
        this.#maxWindowBytes = Math.max(this.#maxWindowBytes, this.#frame.windowBytes);
      }
      const frame = this.#frame;
      const { status, consumed, produced } = this.#step(rest.subarray(0, INPUT_BYTES));
      if (status < 0) throw reasonOf(status, frame.windowBytes);
      this.#position += consumed;
      frame.inflatedBytes += produced;
      // libzstd has reserved the whole window, but not used more of it than has come.
      if (Math.min(frame.windowBytes, frame.inflatedBytes) > MAX_WINDOW_BYTES) {
        throw windowTooLarge(frame.windowBytes);
      }
      if (status === 0) this.#frame = null;
      if (produced > 0) return this.#piece.subarray(0, produced);
      if (status > 0 && rest.length === 0) throw new Error("it is cut off");
    }
  }

  /** Fills the piece as far as the input lasts. */
  #step(input: Bytes): { status: number; consumed: number; produced: number } {
    const { memory, decompress } = this.#libzstd;
    new Uint8Array(memory.buffer).set(input, this.#inputBuffer);
    const before = new DataView(memory.buffer);
    for (
      const [struct, buffer, size] of [
        [this.#input, this.#inputBuffer, input.length],
        [this.#output, this.#outputBuffer, PIECE_BYTES],
      ] as const
    ) {
      before.setUint32(struct, buffer, true);
      before.setUint32(struct + SIZE, size, true);
      before.setUint32(struct + POSITION, 0, true);
    }
    const status = decompress(this.#context, this.#output, this.#input);
    // Memory that has grown has another buffer.
    const after = new DataView(memory.buffer);
    const consumed = after.getUint32(this.#input + POSITION, true);
    const produced = after.getUint32(this.#output + POSITION, true);
    this.#piece.set(new Uint8Array(memory.buffer, this.#outputBuffer, produced));
    return { status, consumed, produced };
  }
}

/** How far back the frame that starts here may refer; 0 when it is none. */
function windowBytesOf(bytes: Bytes): number {
  const header = new Uint8Array(MAX_HEADER_BYTES);
  header.set(bytes.subarray(0, MAX_HEADER_BYTES));
  const view = new DataView(header.buffer);
  if (view.getUint32(0, true) !== MAGIC) return 0;
  const flags = view.getUint8(4);
  if ((flags & SINGLE_SEGMENT) === 0) {
    const window = view.getUint8(5);
    const base = 2 ** (10 + (window >> 3));
    return base + base / 8 * (window & 7);
  }
  // The whole content is the window. Its length stands behind the number of a dictionary.
  const position = 5 + [0, 1, 2, 4][flags & 3]!;
  switch (flags >> 6) {
    case 0:
      return view.getUint8(position);
    case 1:
      return view.getUint16(position, true) + 256;
    case 2:
      return view.getUint32(position, true);
    default:
      return Number(view.getBigUint64(position, true));
  }
}

function reasonOf(status: number, windowBytes: number): Error {
  switch (status) {
    case WINDOW_TOO_LARGE:
      return windowTooLarge(windowBytes);
    case WRONG_DICTIONARY:
      return new Error("it needs a dictionary");
    case NO_MEMORY:
      return noMemory();
    default:
      return new Error("it is damaged");
  }
}

function windowTooLarge(windowBytes: number): Error {
  const mebibytes = Math.ceil(windowBytes / MEBIBYTE);
  return new Error(
    `its window of ${mebibytes} MiB is larger than the 8 MiB that a decoder has to support (RFC 8878)`,
  );
}

function noMemory(): Error {
  return new Error("there is not enough memory");
}
