export interface AdminRequest {
  readonly url: string;
  readonly method: string;
}

const REQUEST_LINE = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/;

/** A host with an optional port, as in HTTP; the host is not parsed. */
const HOST = /^[^\s/?#@\\]+$/;

/** Parses the head of a request, or returns what is wrong with it, in words that quote nothing of it. */
export function readAdminRequest(head: string): AdminRequest | string {
  const [line = "", ...fields] = head.split("\r\n");
  const [, method, target, minor] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined) return "not an HTTP/1.1 request";
  const hosts = fields.filter((field) => /^host:/i.test(field))
    .map((field) => field.slice("host:".length).trim());
  if (hosts.length > 1) return "more than one Host header";
  // HTTP/1.0 clients may omit it.
  const host = hosts[0] ?? (minor === "0" ? "localhost" : "");
  if (!HOST.test(host) || !URL.canParse(`http://${host}`)) return "invalid Host header";
  const url = target.startsWith("/") ? `http://${host}${target}` : target;
  if (!/^http:\/\//i.test(url) || !URL.canParse(url)) return "invalid request target";
  return { url, method };
}

/** The bytes of a response that closes its connection. */
export async function responseBytes(
  response: Response,
  { method }: Pick<AdminRequest, "method">,
): Promise<Uint8Array> {
  const body = await response.bytes();
  const fields = [
    ...response.headers,
    ["content-length", `${body.length}`],
    ["connection", "close"],
  ].map(([name, value]) => `${name}: ${value}\r\n`);
  const reason = REASONS[response.status] ?? "";
  const head = `HTTP/1.1 ${response.status} ${reason}\r\n${fields.join("")}\r\n`;
  return await new Blob(method === "HEAD" ? [head] : [head, body]).bytes();
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  421: "Misdirected Request",
  503: "Service Unavailable",
};
