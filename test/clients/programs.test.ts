import { beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../src/domain/state-machine.ts";
import { insertOrder } from "../support/orders.ts";
import { useService } from "../support/service.ts";
import { outputOf, pathOf, run } from "./toolchain.ts";

const SERVICE = "oms.orderstatus.v1.OrderStatusService";
const harness = useService();
let orderId = 0n;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
});

const grpc = () => `127.0.0.1:${harness.service.grpcPort}`;

describe("grpcurl, by reflection", () => {
  const grpcurl = (...args: string[]) => outputOf("grpcurl", "-plaintext", ...args);

  test("lists and describes", async () => {
    expect((await grpcurl(grpc(), "list")).split("\n")).toEqual(
      expect.arrayContaining([SERVICE, "grpc.health.v1.Health"]),
    );
    expect(await grpcurl(grpc(), "describe", `${SERVICE}.GetOrderStatus`)).toContain("GetOrderStatusRequest");
  });

  test("calls", async () => {
    const request = JSON.stringify({ order_id: String(orderId) });
    const answer = await grpcurl("-d", request, grpc(), `${SERVICE}/GetOrderStatus`);
    expect(JSON.parse(answer)).toMatchObject({ orderId: String(orderId), orderStatus: "ORDER_STATUS_PICKING" });
    const health = await grpcurl("-d", "{}", grpc(), "grpc.health.v1.Health/Check");
    expect(JSON.parse(health)).toEqual({ status: "SERVING" });
  });

  test("shows the details of an error", async () => {
    const output = await grpcurl("-d", "{}", grpc(), `${SERVICE}/GetOrderStatus`);
    expect(output).toContain("Code: InvalidArgument");
    expect(output).toContain('"field": "order_id"');
  });
});

test.each(["", SERVICE])("grpc_health_probe of service %o", async (service) => {
  const args = [`-addr=${grpc()}`, `-service=${service}`, "-connect-timeout=10s", "-rpc-timeout=10s"];
  // It exits with an error unless the service is serving.
  await expect(run(pathOf("grpc-health-probe"), args)).resolves.toBeDefined();
});

test("ghz: a load over one connection", async () => {
  const report = JSON.parse(
    await run(pathOf("ghz"), [
      "--insecure",
      ...["--call", `${SERVICE}/GetOrderStatus`],
      ...["--data", JSON.stringify({ order_id: String(orderId) })],
      ...["--total", "5000", "--concurrency", "50", "--connections", "1"],
      ...["--format", "json"],
      grpc(),
    ]),
  );
  expect(report.statusCodeDistribution).toEqual({ OK: 5_000 });
});

/** In a race: they pass when the later frames arrive before the response has been sent. */
const REJECTED_EARLY = "the call is rejected at its headers: later frames are those of a closed stream";

/** Cases of h2spec that fail at one of the ports, with the reason: all are choices of Node. */
const KNOWN_FAILURES: Readonly<Record<string, string>> = {
  "generic 2/2": "the response to the request of h2spec has no body, which h2spec waits for",
  "generic 2/3": "the same",
  "http2 3.5/2": "a connection without the preface of HTTP/2 is one of HTTP/1.1",
  "http2 5.1/8": "frames of a closed stream are ignored: they may have been under way",
  "http2 5.1/9": "the same",
  "http2 5.1/11": "the same",
  "http2 5.1/12": "the same",
  "http2 5.1.1/2": "the same: a smaller stream identifier is one of a closed stream",
  "http2 5.1.2/1": "the streams of h2spec are answered before the limit is reached",
  "http2 5.3.1/2": "PRIORITY frames are ignored: RFC 9113 deprecates them",
  "http2 6.3/1": "the same",
  "http2 6.7/2": "a PING acknowledgement without a PING ends the connection",
  "http2 5.1/6": REJECTED_EARLY,
  "http2 6.1/3": REJECTED_EARLY,
  "http2 8.1/1": REJECTED_EARLY,
  "http2 8.1.2.1/3": REJECTED_EARLY,
  "http2 8.1.2.6/1": REJECTED_EARLY,
  "http2 8.1.2.6/2": REJECTED_EARLY,
  "http2 6.9.1/3": "a window beyond 2^31-1 ends the connection, not only the stream",
};

test.each([
  ["gRPC", () => harness.service.grpcPort],
  ["HTTP", () => harness.service.httpPort],
])("h2spec at the %s port", async (_name, port) => {
  const output = await outputOf("h2spec", "--host", "127.0.0.1", "--port", String(port()), "--timeout", "3");
  expect(output).toMatch(/^\d+ tests, \d+ passed/m);
  expect(failuresOf(output).filter((name) => !(name in KNOWN_FAILURES))).toEqual([]);
});

/** The failed cases, which are repeated at the end of the output: suite, section and number. */
function failuresOf(output: string): string[] {
  const failures: string[] = [];
  const start = output.indexOf("Failures:");
  let suite = "";
  let section = "";
  for (const line of start < 0 ? [] : output.slice(start).split("\n")) {
    const title = /^\S.*/.exec(line)?.[0];
    if (title !== undefined) {
      suite = title.startsWith("Generic") ? "generic" : title.startsWith("HPACK") ? "hpack" : "http2";
    }
    section = /^ +(\d+(?:\.\d+)*)\. /.exec(line)?.[1] ?? section;
    const number = /^ +× (\d+):/.exec(line)?.[1];
    if (number !== undefined) {
      failures.push(`${suite} ${section}/${number}`);
    }
  }
  return failures;
}
