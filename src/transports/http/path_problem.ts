/** How many percent-encodings of a value are undone, on top of the one that a URL needs. */
const MAX_ENCODINGS = 2;

const ENCODED_BYTE = /%([0-9a-f]{2})/gi;

/** URL parsers drop line breaks and tabs; Windows drops spaces at the end of a name. */
// deno-lint-ignore no-control-regex
const DROPPED = /[\x01-\x20\x7f]+/g;

/**
 * `.` or `..` (RFC 3986, 3.3), alone or before a part that servers cut off: a parameter (`..;a=b`, Tomcat), a query, a
 * fragment, or a NUL with all that follows.
 */
const DOT_SEGMENT = /^\.{1,2}(?:[;?#\0]|$)/;

/**
 * Why a server could take the segment for a different path; undefined if it could not. Servers and their proxies decode
 * a path once or more often, take `\` for `/`, and only then resolve dot segments.
 *
 * @param segment as sent: percent-encoded once
 */
export function pathProblem(segment: string): string | undefined {
  let text = segment;
  for (let encodings = 0;; encodings++) {
    const parts = text.split(/[/\\]/);
    if (parts.every((part) => part === "")) return "a part of the URL's path would be empty";
    if (parts.some((part) => DOT_SEGMENT.test(part.replace(DROPPED, "")))) {
      return "the URL's path would contain '.' or '..' as a segment, which leads to another path";
    }
    if (encodings > MAX_ENCODINGS || !text.includes("%")) return undefined;
    text = text.replace(ENCODED_BYTE, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  }
}
