import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BinaryReader } from "@bufbuild/protobuf/wire";

/** A collector of traces that takes what comes, and counts it. */
export interface Collector {
  readonly url: string;
  /** Spans so far. */
  spans(): number;
  close(): void;
}

/** Starts one in this process, which does nothing else while a load runs. */
export async function startCollector(): Promise<Collector> {
  let spans = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      spans += countSpans(Buffer.concat(parts));
      response.end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans: () => spans,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Where the spans are in `ExportTraceServiceRequest`: in its first field, in there in the second, and again in the second. */
const PATH = [1, 2, 2];

function countSpans(bytes: Uint8Array, [wanted, ...deeper]: readonly number[] = PATH): number {
  const reader = new BinaryReader(bytes);
  let count = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field !== wanted) {
      reader.skip(type, field);
    } else {
      const part = reader.bytes();
      count += deeper.length === 0 ? 1 : countSpans(part, deeper);
    }
  }
  return count;
}
