import type { IncomingMessage } from "node:http";
import { OperationError } from "../../application/errors.ts";

/** The greatest body that an old method takes, in bytes: a thousand orders take a fiftieth of it. */
export const MAX_BODY_BYTES = 512 * 1024;

/** A body that names its character set does so at once. */
const BEGINNING_BYTES = 200;

/** Marks at the beginning that tell how a text is written, whatever else says so: each byte as a character. */
const BYTE_ORDER_MARKS: readonly (readonly [string, string])[] = [
  ["\u00EF\u00BB\u00BF", "utf-8"],
  ["\u00FF\u00FE", "utf-16le"],
  ["\u00FE\u00FF", "utf-16be"],
];

/** A body's text, and the character set that it was written in. */
export interface Body {
  readonly text: string;
  readonly charset: string;
}

/**
 * Reads a request's body in the character set that it names: old callers may write GBK.
 *
 * @param own finds the character set that the body itself names, where the header names none
 * @throws OperationError "invalid" for one that is too great or no text
 */
export async function readBody(
  request: IncomingMessage,
  own: (beginning: string) => string | undefined = () => undefined,
): Promise<Body> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw new OperationError("invalid", `the body is ${encoding}: send it as it is, without content-encoding`);
  }
  const bytes = await readBytes(request);
  const beginning = bytes.toString("latin1", 0, BEGINNING_BYTES);
  const marked = BYTE_ORDER_MARKS.find(([mark]) => beginning.startsWith(mark))?.[1];
  const charset = marked ?? charsetOf(request.headers["content-type"] ?? "") ?? own(beginning) ?? "utf-8";
  return { text: decode(bytes, charset), charset };
}

/** The text alone; `own` as there. */
export async function readText(...given: Parameters<typeof readBody>): Promise<string> {
  return (await readBody(...given)).text;
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const tooGreat = () =>
    new OperationError("invalid", `the body must have at most ${MAX_BODY_BYTES} bytes, and has more`);
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) {
    throw tooGreat();
  }
  const chunks: Buffer[] = [];
  let length = 0;
  // By its events: leaving a loop over the request would cut the connection, and the answer with it.
  await new Promise<void>((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BODY_BYTES) {
        chunks.length = 0;
        reject(tooGreat());
      } else {
        chunks.push(chunk);
      }
    });
    request.once("end", resolve);
    request.once("error", reject);
    request.once("close", () => reject(new Error("the caller went away")));
  });
  return Buffer.concat(chunks);
}

function charsetOf(contentType: string): string | undefined {
  return /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType)?.[1];
}

function decode(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    throw new OperationError("invalid", `the body is no text in ${charset}: say the right charset in content-type`);
  }
}
