import type { Bytes } from "../../../../core/event.ts";
import { GeneratedPieces, PIECE_BYTES, type Pieces } from "./pieces.ts";

const INPUT_BYTES = 16 * 1024;
/** Memory of the library in addition to the window and the two buffers: tables, and its current blocks. */
const STATE_BYTES = 640 * 1024;

/** RFC 8878 (3.1.1.1.2) recommends that decoders support this much, and that encoders require no more. */
const MAX_WINDOW_BYTES = 8 * 1024 * 1024;
const WINDOW_TOO_LARGE =
  "its window is larger than the 8 MiB that a decoder has to support (RFC 8878)";

/** Set in the fifth byte of a frame whose window is its whole content. */
const SINGLE_SEGMENT = 0x20;

/** `ZSTD_inBuffer` and `ZSTD_outBuffer`: a pointer to a buffer, its size, and the position in it. */
const STRUCTS_BYTES = 2 * 12;

const NO_MEMORY = -64;
/** Error codes of libzstd that do not mean damaged input. */
const REASONS = new Map([
  [-16, WINDOW_TOO_LARGE],
  [-32, "it needs a dictionary"],
  [NO_MEMORY, "there is not enough memory"],
]);

/** The functions of libzstd that zstddec includes. Pointers and sizes are numbers. */
interface Libzstd {
  readonly memory: WebAssembly.Memory;
  /** Returns 0 when memory is exhausted. */
  malloc(size: number): number;
  free(pointer: number): void;
  /** Returns 0 when memory is exhausted. */
  "ZSTD_createDCtx"(): number;
  "ZSTD_freeDCtx"(context: number): void;
  /** Returns 0 at the end of a frame, and a negative number for an error. */
  "ZSTD_decompressStream"(context: number, output: number, input: number): number;
}

/** Compresses to one frame. */
export async function compressZstd(bytes: Bytes): Promise<Bytes> {
  const { Zstd } = await import("@hpcc-js/wasm-zstd");
  const zstd = await Zstd.load();
  return zstd.compress(bytes) as Bytes;
}

/**
 * Decompresses zstd frames. The library is loaded for the first batch that needs it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8878
 */
export function inflateZstd(bytes: Bytes): Pieces {
  const memory = { heldBytes: 0 };
  return new GeneratedPieces(memory, readZstd(bytes, memory));
}

let libzstd: Promise<Libzstd> | undefined;

/** zstddec's own stream ignores errors of libzstd, and leaks its memory unless it is read to the end. */
async function loadLibzstd(): Promise<Libzstd> {
  const { ZSTDDecoder } = await import("zstddec/stream");
  let exports: unknown;
  class Loader extends ZSTDDecoder {
    override _init(result: WebAssembly.WebAssemblyInstantiatedSource): void {
      super._init(result);
      exports = result.instance.exports;
    }
  }
  await new Loader().init();
  return exports as Libzstd;
}

/** libzstd checks each back-reference, and the checksum and the length of a frame that has them. */
async function* readZstd(
  bytes: Bytes,
  memory: { heldBytes: number },
): AsyncGenerator<Bytes, void> {
  using decoder = new Decoder(await (libzstd ??= loadLibzstd()));
  let usedWindowBytes = 0;
  for (let position = 0; position < bytes.length;) {
    const windowBytes = windowBytesOf(bytes.subarray(position));
    let inflatedBytes = 0;
    for (let isFrameOpen = true; isFrameOpen;) {
      const input = bytes.subarray(position, position + INPUT_BYTES);
      const { status, consumed, piece } = decoder.step(input);
      if (status < 0) throw new Error(REASONS.get(status) ?? "it is damaged");
      position += consumed;
      inflatedBytes += piece.length;
      // libzstd reserves the whole window, but uses no more of it than it has output.
      usedWindowBytes = Math.max(usedWindowBytes, Math.min(windowBytes, inflatedBytes));
      if (usedWindowBytes > MAX_WINDOW_BYTES) throw new Error(WINDOW_TOO_LARGE);
      memory.heldBytes = usedWindowBytes + STATE_BYTES + INPUT_BYTES + 2 * PIECE_BYTES;
      isFrameOpen = status > 0;
      if (piece.length > 0) yield piece;
      else if (isFrameOpen && input.length === 0) throw new Error("it is cut off");
    }
  }
}

/** The window size of the frame that starts here; infinite when only its content limits it. */
function windowBytesOf(frame: Bytes): number {
  if ((frame[4]! & SINGLE_SEGMENT) !== 0) return Infinity;
  const window = frame[5]!;
  return 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8);
}

/** The state of a decompression, in the library's memory. */
class Decoder implements Disposable {
  readonly #libzstd: Libzstd;
  readonly #context: number;
  /** Addresses of the two structs and the two buffers, one after the other. */
  readonly #structs: number;
  readonly #input: number;
  readonly #output: number;
  readonly #piece = new Uint8Array(PIECE_BYTES);

  constructor(libzstd: Libzstd) {
    this.#libzstd = libzstd;
    this.#context = libzstd.ZSTD_createDCtx();
    this.#structs = libzstd.malloc(STRUCTS_BYTES + INPUT_BYTES + PIECE_BYTES);
    this.#input = this.#structs + STRUCTS_BYTES;
    this.#output = this.#input + INPUT_BYTES;
  }

  /** Decompresses until the piece is full or the input is used up. The piece is valid until the next call. */
  step(input: Bytes): { status: number; consumed: number; piece: Bytes } {
    const { memory } = this.#libzstd;
    if (this.#context === 0 || this.#structs === 0) {
      return { status: NO_MEMORY, consumed: 0, piece: this.#piece };
    }
    new Uint8Array(memory.buffer).set(input, this.#input);
    new Uint32Array(memory.buffer, this.#structs)
      .set([this.#input, input.length, 0, this.#output, PIECE_BYTES, 0]);
    const [inputStruct, outputStruct] = [this.#structs, this.#structs + STRUCTS_BYTES / 2];
    const status = this.#libzstd.ZSTD_decompressStream(this.#context, outputStruct, inputStruct);
    // WebAssembly memory that has grown has a new buffer.
    const [, , consumed, , , produced] = new Uint32Array(memory.buffer, this.#structs, 6);
    this.#piece.set(new Uint8Array(memory.buffer, this.#output, produced));
    return { status, consumed: consumed!, piece: this.#piece.subarray(0, produced) };
  }

  [Symbol.dispose](): void {
    this.#libzstd.ZSTD_freeDCtx(this.#context);
    this.#libzstd.free(this.#structs);
  }
}
