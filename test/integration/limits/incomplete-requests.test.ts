import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { INITIAL_CONCURRENT_STREAMS, MAX_UNARY_CALLS } from "../../../src/transport/limits.ts";
import { END_HEADERS, FRAME, openRawHttp2, requestHeaders } from "../../../tools/testkit/raw-http2.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

const harness = useService();

const PATH = "/oms.orderstatus.v1.OrderStatusService/GetOrderStatus";
const STREAMS_PER_CONNECTION = INITIAL_CONCURRENT_STREAMS;

test.each([
  ["gRPC", "application/grpc", () => harness.service.grpcPort],
  ["Connect JSON", "application/json", () => harness.service.httpPort],
] as const)("requests over %s that do not arrive occupy no capacity", async (transport, type, port) => {
  const orderId = await insertOrder(harness.db, Status.PICKING);
  let opened = 0;
  while (opened <= MAX_UNARY_CALLS) {
    const raw = await openRawHttp2(port(), { localAddress: "127.0.0.9" });
    onTestFinished(() => void raw.socket.destroy());
    for (let stream = 0; stream < STREAMS_PER_CONNECTION; stream += 1) {
      raw.send(FRAME.headers, END_HEADERS, 2 * stream + 1, requestHeaders(PATH, type));
    }
    opened += STREAMS_PER_CONNECTION;
    await sleep(20);
    expect(raw.socket.closed).toBe(false);
  }
  for (let call = 0; call < 20; call += 1) {
    expect(await harness.client(transport).getOrderStatus({ orderId })).toMatchObject({ orderStatus: Status.PICKING });
  }
});
