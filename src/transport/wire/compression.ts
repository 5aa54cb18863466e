import { promisify } from "node:util";
import { brotliDecompress, gunzip } from "node:zlib";

const DECOMPRESSORS: ReadonlyMap<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> =
  new Map([
    ["gzip", promisify(gunzip)],
    ["br", promisify(brotliDecompress)],
  ]);

/** A message is larger than its limit once decompressed. */
export class UnpackedSizeError extends Error {}

/** Whether messages with this encoding are accepted. */
export function isEncoding(encoding: string): boolean {
  return encoding === "identity" || DECOMPRESSORS.has(encoding);
}

/**
 * Decompresses a message.
 *
 * @param maxBytes limit of the decompressed size; decompression stops there
 * @throws UnpackedSizeError beyond the limit; Error for malformed bytes
 */
export async function decompress(bytes: Buffer, encoding: string, maxBytes: number): Promise<Buffer> {
  const decompressor = DECOMPRESSORS.get(encoding);
  if (decompressor === undefined) {
    return bytes;
  }
  try {
    return await decompressor(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? new UnpackedSizeError() : error;
  }
}
