/** HTTP/2 frames as bytes (RFC 9113), as many kinds as unary calls need. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const FRAME_HEADER = 9;
export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
export const FLAG = { endStream: 0x1, endHeaders: 0x4, ack: 0x1 } as const;
/** Settings: no table of headers seen before, so that each block of headers can be read by itself. */
export const NO_HEADER_TABLE = Buffer.from([0, 1, 0, 0, 0, 0]);
export const NOTHING = Buffer.alloc(0);

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, FRAME_HEADER);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The headers of a POST in HPACK without its tables: each as a literal. */
export function headerBlock(authority: string, path: string, more: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const POST_HTTP = [0x83, 0x86];
  return Buffer.concat([
    Buffer.from([...POST_HTTP, 0x04]),
    text(path),
    Buffer.from([0x01]),
    text(authority),
    ...Object.entries(more).flatMap(([name, value]) => [Buffer.from([0x00]), text(name), text(value)]),
  ]);
}

/** `grpc-status: 8` and the name of `grpc-status-details-bin`, in HPACK's Huffman code as Node's HTTP/2 writes them without a table. */
const RESOURCE_EXHAUSTED = Buffer.from("889acac8b21234da8f0138", "hex");
const STATUS_DETAILS = Buffer.from("909acac8b21234da85a42a466a10b466ab", "hex");

/** Whether the last headers of an answer print RESOURCE_EXHAUSTED and, in the details, when to come again. */
export function isRefusal(headers: Buffer): boolean {
  return headers.includes(RESOURCE_EXHAUSTED) && headers.includes(STATUS_DETAILS);
}
