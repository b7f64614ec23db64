import type { Bytes } from "../../../../core/event.ts";
import { PIECE_BYTES, type PieceReader } from "./pieces.ts";

const INPUT_BYTES = 16 * 1024;
/** Memory of the library in addition to the window and the two buffers: tables, and its current blocks. */
const STATE_BYTES = 640 * 1024;

const MEBIBYTE = 1024 * 1024;
/** RFC 8878 (3.1.1.1.2) recommends that decoders support this much, and that encoders require no more. */
const MAX_WINDOW_BYTES = 8 * MEBIBYTE;

const MAGIC = 0xfd2fb528;
const SINGLE_SEGMENT = 0x20;
const MAX_HEADER_BYTES = 18;

/** `ZSTD_inBuffer` and `ZSTD_outBuffer`: a pointer to a buffer, its size, and the position in it. */
const STRUCT_BYTES = 12;
const SIZE = 4;
const POSITION = 8;

/** Error codes of libzstd that do not mean damaged input. */
const WINDOW_TOO_LARGE = -16;
const WRONG_DICTIONARY = -32;
const NO_MEMORY = -64;

type NativeFunction = (...values: number[]) => number;

/** The functions of libzstd that zstddec includes. Pointers and sizes are numbers. */
interface Libzstd {
  readonly memory: WebAssembly.Memory;
  /** Returns 0 when memory is exhausted. */
  readonly allocate: (size: number) => number;
  readonly free: (pointer: number) => void;
  /** Returns 0 when memory is exhausted. */
  readonly createContext: () => number;
  readonly freeContext: (context: number) => void;
  /** Returns 0 at the end of a frame, and a negative number for an error. */
  readonly decompress: (context: number, output: number, input: number) => number;
}

/** Compresses to one frame. */
export async function compressZstd(bytes: Bytes): Promise<Bytes> {
  const { Zstd } = await import("@hpcc-js/wasm-zstd");
  const zstd = await Zstd.load();
  return zstd.compress(bytes) as Bytes;
}

let libzstd: Promise<Libzstd> | undefined;

/**
 * Starts to decompress zstd frames. The library is loaded for the first batch that needs it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8878
 */
export async function openZstd(bytes: Bytes): Promise<PieceReader> {
  return new ZstdPieces(await (libzstd ??= loadLibzstd()), bytes);
}

/** zstddec's own stream ignores errors of libzstd, and leaks its memory unless it is read to the end. */
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

/** libzstd checks each back-reference, and the checksum and the length of a frame that has them. */
class ZstdPieces implements PieceReader {
  readonly #libzstd: Libzstd;
  readonly #bytes: Bytes;
  readonly #context: number;
  /** Addresses of the two structs and the two buffers in the library's memory, one after the other. */
  readonly #input: number;
  readonly #output: number;
  readonly #inputBuffer: number;
  readonly #outputBuffer: number;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #position = 0;
  /** The current frame; null between two frames. */
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
      // libzstd reserves the whole window, but uses no more of it than it has output.
      if (Math.min(frame.windowBytes, frame.inflatedBytes) > MAX_WINDOW_BYTES) {
        throw windowTooLarge(frame.windowBytes);
      }
      if (status === 0) this.#frame = null;
      if (produced > 0) return this.#piece.subarray(0, produced);
      if (status > 0 && rest.length === 0) throw new Error("it is cut off");
    }
  }

  /** Decompresses until the piece is full or the input is used up. */
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
    // WebAssembly memory that has grown has a new buffer.
    const after = new DataView(memory.buffer);
    const consumed = after.getUint32(this.#input + POSITION, true);
    const produced = after.getUint32(this.#output + POSITION, true);
    this.#piece.set(new Uint8Array(memory.buffer, this.#outputBuffer, produced));
    return { status, consumed, produced };
  }
}

/** The window size of the frame that starts here; 0 when it is not a zstd frame. */
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
  // The window is the whole content; its size follows the dictionary id.
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
