/** Where the fields stand in a line of the kernel's table of connections. */
const LOCAL_FIELD = 1;
const REMOTE_FIELD = 2;
const INODE_FIELD = 9;

/** To connect to an address of no family ends a connection at once, by a reset (connect(2), Linux). */
const NO_FAMILY = new Uint8Array(16);

/**
 * Ends an IPv4 connection of this process with a reset. Closing it does not: the runtime says good-bye first, even when
 * there is something unread. Afterwards the connection is still to be closed.
 */
export function reset(connection: Deno.TcpConn): void {
  const descriptor = descriptorOf(inodeOf(connection));
  const libc = Deno.dlopen("libc.so.6", {
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  });
  const result = libc.symbols.connect(descriptor, NO_FAMILY, NO_FAMILY.length);
  libc.close();
  if (result !== 0) {
    throw new Error(`Cannot reset a connection of port ${connection.localAddr.port}`);
  }
}

function inodeOf({ localAddr, remoteAddr }: Deno.TcpConn): string {
  const [, ...lines] = Deno.readTextFileSync("/proc/self/net/tcp").trim().split("\n");
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const found = fields.find((field) =>
    portIn(field[LOCAL_FIELD]) === localAddr.port && portIn(field[REMOTE_FIELD]) === remoteAddr.port
  );
  if (found === undefined) throw new Error(`No connection from port ${localAddr.port} is open`);
  return found[INODE_FIELD] ?? "";
}

function portIn(address = ""): number {
  return parseInt(address.split(":")[1] ?? "", 16);
}

function descriptorOf(inode: string): number {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    if (targetOf(`/proc/self/fd/${name}`) === `socket:[${inode}]`) return Number(name);
  }
  throw new Error(`No descriptor is that of socket ${inode}`);
}

function targetOf(link: string): string | null {
  try {
    return Deno.readLinkSync(link);
  } catch (error) {
    // It was that of the directory's own listing.
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
