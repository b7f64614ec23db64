/** A block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`. */
  readonly label: string;
  readonly der: Uint8Array<ArrayBuffer>;
}

const BEGIN = "-----BEGIN ";
const BORDER = /^-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----\s*$/;

/** The blocks of a PEM text; text between them is a comment. `refused` quotes only labels. */
export function pemBlocks(
  text: string,
): { readonly blocks: readonly PemBlock[] } | { readonly refused: string } {
  const blocks: PemBlock[] = [];
  let open: { label: string; lines: string[] } | undefined;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [, border, label = ""] = BORDER.exec(line) ?? [];
    if (border === undefined) {
      if (line.includes(BEGIN)) {
        return { refused: "'-----BEGIN' has to begin a line of its own: are line breaks lost?" };
      }
      open?.lines.push(line.trim());
    } else if (border === "BEGIN") {
      if (open !== undefined) return withoutEnd(open.label);
      open = { label, lines: [] };
    } else {
      if (open?.label !== label) return { refused: `'-----END ${label}-----' ends nothing` };
      if (open.lines.some((line) => line.startsWith("Proc-Type:"))) {
        return {
          refused:
            "the key is encrypted in OpenSSL's old way: 'openssl pkcs8 -topk8 -in OLD -out NEW' converts it",
        };
      }
      const der = fromBase64(open.lines.join(""));
      if (der === undefined) return { refused: `a '${label}' in it is damaged: it is no base64` };
      blocks.push({ label, der });
      open = undefined;
    }
  }
  return open === undefined ? { blocks } : withoutEnd(open.label);
}

/** A block as text, in the form that every reader supports. */
export function pemText({ label, der }: PemBlock): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function withoutEnd(label: string): { refused: string } {
  return { refused: `there is no '-----END ${label}-----': is the text cut off?` };
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
}
