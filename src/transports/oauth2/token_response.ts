/** Tokens have up to some kilobytes. */
const MAX_BYTES = 256 * 1024;

/** A response with no more than so many bytes, for the client library. */
export async function readTokenResponse(response: Response): Promise<Response> {
  const contentType = response.headers.get("content-type");
  const text = await readText(response);
  // Without `www-authenticate`, for which the library would not look at the error.
  return new Response(text === "" ? null : withoutIdToken(text), {
    status: response.status,
    headers: contentType === null ? {} : { "content-type": contentType },
  });
}

async function readText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > MAX_BYTES) return "";
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Who has signed in is of no interest here, and could be checked only by one who knows the server's issuer. */
function withoutIdToken(text: string): string {
  try {
    const { id_token: _, ...others } = JSON.parse(text);
    return JSON.stringify(others);
  } catch {
    return text;
  }
}
