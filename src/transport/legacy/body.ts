import type { IncomingMessage } from "node:http";
import { OperationError } from "../../application/errors.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../../observability/shorten.ts";

/** Maximum size of a legacy request body in bytes; 1,000 orders take a fiftieth of it. */
export const MAX_BODY_BYTES = 512 * 1024;

/** Length of the prefix in which a body may declare its charset, in bytes. */
const PREFIX_BYTES = 200;

/** Byte order marks, each byte as a character; they override every other declaration. */
const BYTE_ORDER_MARKS: readonly (readonly [string, string])[] = [
  ["\u00EF\u00BB\u00BF", "utf-8"],
  ["\u00FF\u00FE", "utf-16le"],
  ["\u00FE\u00FF", "utf-16be"],
];

/**
 * Java's and Windows' names of charsets that are not among the Encoding Standard's labels, which
 * TextDecoder knows.
 */
const CHARSET_ALIASES: ReadonlyMap<string, string> = new Map([
  ...["cp936", "ms936", "ms_936", "windows-936", "x-mswin-936"].map((name) => [name, "gbk"] as const),
  ...["euc_cn", "euc-cn", "euccn", "x-euc-cn", "gb2312-1980"].map((name) => [name, "gbk"] as const),
  ...["gb18030-2000", "gb18030-2022", "cp54936", "windows-54936"].map((name) => [name, "gb18030"] as const),
  ...["cp950", "ms950", "ms_950", "x-windows-950"].map((name) => [name, "big5"] as const),
  ["utf_8", "utf-8"],
  ["iso8859_1", "iso-8859-1"],
]);

/** A decoded body and its charset. */
export interface Body {
  readonly text: string;
  readonly charset: string;
}

/**
 * Reads and decodes a request body; legacy callers may send GBK.
 *
 * @param charsetIn finds the charset that the body itself declares, if the header declares none
 * @throws OperationError "invalid" for a body that is too large or not text in its charset
 */
export async function readBody(
  request: IncomingMessage,
  charsetIn: (prefix: string) => string | undefined = () => undefined,
): Promise<Body> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw new OperationError(
      "invalid",
      `the body is ${shorten(encoding, MAX_QUOTED_LENGTH)}: send it as it is, without content-encoding`,
    );
  }
  const bytes = await readBytes(request);
  const prefix = bytes.toString("latin1", 0, PREFIX_BYTES);
  const marked = BYTE_ORDER_MARKS.find(([mark]) => prefix.startsWith(mark))?.[1];
  const declared = marked ?? charsetOf(request.headers["content-type"] ?? "") ?? charsetIn(prefix) ?? "utf-8";
  const charset = CHARSET_ALIASES.get(declared.toLowerCase()) ?? declared;
  return { text: decode(bytes, charset), charset };
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () =>
    new OperationError("invalid", `the body must have at most ${MAX_BODY_BYTES} bytes, and has more`);
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) {
    throw tooLarge();
  }
  const chunks: Buffer[] = [];
  let length = 0;
  // With events: leaving a `for await` over the request would close the connection, and with it the
  // response.
  await new Promise<void>((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BODY_BYTES) {
        chunks.length = 0;
        reject(tooLarge());
      } else {
        chunks.push(chunk);
      }
    });
    request.once("end", resolve);
    request.once("error", reject);
    request.once("close", () => reject(new Error("the client closed the connection")));
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
    throw new OperationError(
      "invalid",
      `the body is no text in ${shorten(charset, MAX_QUOTED_LENGTH)}: say the right charset in content-type`,
    );
  }
}
