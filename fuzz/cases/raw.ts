import type { Random } from "../../tools/testkit/random.ts";
import type { Fixture } from "../values/scalars.ts";
import { anyBytes, mutate } from "../values/wire.ts";
import type { FuzzCase } from "./case.ts";

const PATH = "/oms.orderstatus.v1.OrderStatusService/GetOrderStatus";

/** Raw bytes for the HTTP port that are almost a valid request. */
export function rawCase(random: Random, { orderIds }: Fixture): FuzzCase {
  const body = `{"orderId":"${orderIds[0]}"}`;
  const head = (lines: readonly string[]) =>
    [`POST ${PATH} HTTP/1.1`, "host: localhost", "content-type: application/json", ...lines, "", ""].join("\r\n");
  const bytes = random.pick<() => Buffer>([
    () => mutate(random, Buffer.from(head([`content-length: ${body.length}`]) + body)),
    () => Buffer.from(head([`content-length: ${body.length}`, "content-length: 3"]) + body),
    () => Buffer.from(head([`content-length: ${body.length}`, "transfer-encoding: chunked"]) + body),
    () => Buffer.from(`${head(["transfer-encoding: chunked"])}zz\r\n${body}\r\n0\r\n\r\n`),
    () =>
      Buffer.from(`${head(["transfer-encoding: chunked"])}${body.length.toString(16)}\r\n${body}\r\n0\r\nx: y\r\n\r\n`),
    () => Buffer.from(`${head(["transfer-encoding: gzip, chunked"])}0\r\n\r\n`),
    () => Buffer.from(head(["content-length: -1"]) + body),
    () => Buffer.from(head([`content-length: ${body.length}`, `x: ${"y".repeat(20_000)}`]) + body),
    () =>
      Buffer.from(
        head([`content-length: ${body.length}`, ...Array.from({ length: 2_500 }, (_, index) => `x${index}: y`)]) + body,
      ),
    () => Buffer.from(head([`content-length: ${body.length}`, "x\u0000y: z"]) + body),
    () => Buffer.from(head([`content-length: ${body.length}`, "expect: 100-continue"]) + body),
    () =>
      Buffer.from(
        head([
          `content-length: ${body.length}`,
          "upgrade: h2c",
          "connection: upgrade, http2-settings",
          "http2-settings: AAMAAABk",
        ]) + body,
      ),
    () => Buffer.from(`GET http://localhost/%ff HTTP/1.1\r\nhost: localhost\r\n\r\n`),
    () => Buffer.from(`GET ${PATH}?message=%E0%A4%A&encoding=json HTTP/1.1\r\nhost: localhost\r\n\r\n`),
    () => Buffer.from(`CONNECT localhost:1 HTTP/1.1\r\nhost: localhost\r\n\r\n`),
    () => Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), anyBytes(random, random.below(60))]),
    () => anyBytes(random, random.below(60)),
  ])();
  return {
    transport: "raw bytes",
    rpc: "GetOrderStatus",
    mutation: "HTTP",
    hasDeadline: false,
    send: ({ http }) => http.sendRaw(bytes),
  };
}
