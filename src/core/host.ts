const NAME = /^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.?$/;

/**
 * Whether a text in lower case names one host: a name, an IPv4 address, or an IPv6 address in brackets. The sandbox
 * takes wildcards and whole networks for hosts as well (`*.example.com`, `10.0.0.0/8`), so nothing else may get there.
 */
export function isHost(text: string): boolean {
  return text.startsWith("[") ? URL.canParse(`http://${text}`) : NAME.test(text);
}
