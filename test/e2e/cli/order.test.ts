import { createServer } from "node:net";
import { fromJson } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import {
  DescribeStateMachineResponseSchema,
  ExplainOrderResponseSchema,
  ListStatusHistoryResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { STATES, Status } from "../../../src/domain/state-machine.ts";
import { TRANSPORTS } from "../../support/clients.ts";
import { insertOrder } from "../../support/orders.ts";
import { startService, useService } from "../../support/service.ts";
import { oms, startOms } from "./oms.ts";

const harness = useService();
let server = "";
beforeAll(() => {
  server = `127.0.0.1:${harness.service.grpcPort}`;
});

const report = (orderId: bigint, status: OrderStatus) =>
  harness.client("gRPC").updateOrderStatus({ orderId, status, operator: "王芳", remark: "已收到付款" });

describe("oms order", () => {
  test("explains an order", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const { code, stdout, stderr } = await oms(["order", "explain", String(orderId)], { server });

    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.split("\n");
    expect(lines.slice(0, 7)).toEqual([
      `Order ${orderId}: CREATED (1000) 已创建, version 0`,
      "The order is CREATED (1000) and waits for Pay to report PAID (1010).",
      "",
      "allowed next           reported by",
      "PAID (1010) 已付款     Pay",
      "CANCELLED (9001) 取消  reversal flow",
      "",
    ]);
    expect(lines.find((line) => line.startsWith("DELIVERED"))).toBe(
      "DELIVERED (6010) 妥投            no way leads from CREATED (1000) to DELIVERED (6010)",
    );
  });

  test("explains an order as JSON", async () => {
    const orderId = await insertOrder(harness.db, Status.PACKED);
    const { code, stdout } = await oms(["--json", "order", "explain", String(orderId)], { server });

    expect(code).toBe(0);
    const json = JSON.parse(stdout);
    expect(json).toMatchObject({ orderStatus: "ORDER_STATUS_PACKED", paused: false, version: "0", openActions: [] });
    expect(fromJson(ExplainOrderResponseSchema, json)).toEqual(await harness.client("gRPC").explainOrder({ orderId }));
  });

  test("lists the history of an order", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    await report(orderId, OrderStatus.PAID);
    const human = await oms(["order", "history", String(orderId)], { server });
    const script = await oms(["order", "history", String(orderId), "--json"], { server });

    const [titles = "", first = ""] = human.stdout.split("\n");
    expect(titles).toMatch(/^committed +occurred +version +outcome +state +reported by +remark$/);
    expect(first).toMatch(
      /^[\d-]{10} [\d:]{8} {2}[\d-]{10} [\d:]{8} {8}1 {2}APPLIED {2}PAID \(1010\) 已付款 {2}.*\(王芳\) {2}已收到付款$/,
    );
    expect(fromJson(ListStatusHistoryResponseSchema, JSON.parse(script.stdout)).entries).toMatchObject([
      { toStatus: OrderStatus.PAID, operator: "王芳", remark: "已收到付款" },
    ]);
  });

  test("reports an unknown order", async () => {
    expect(await oms(["order", "explain", "77"], { server })).toEqual({
      code: 1,
      stdout: "",
      stderr: "there is no order 77 (NOT_FOUND)\n",
    });
    const { code, stderr } = await oms(["order", "explain", "77", "--json"], { server });
    expect([code, JSON.parse(stderr)]).toEqual([
      1,
      { error: { code: "NOT_FOUND", message: "there is no order 77 (NOT_FOUND)" } },
    ]);
  });
});

describe("oms order watch", () => {
  test("prints each change until Ctrl-C", async () => {
    const [one, other] = [await insertOrder(harness.db, Status.CREATED), await insertOrder(harness.db, Status.PACKED)];
    const watch = startOms(["order", "watch", String(one), String(other)], { server });
    await watch.shows(new RegExp(`order ${other}  is PACKED \\(3030\\) 打包`));
    await report(one, OrderStatus.PAID);
    await watch.shows(new RegExp(`order ${one}  CREATED \\(1000\\) 已创建 → PAID \\(1010\\) 已付款  version 1`));
    watch.child.kill("SIGINT");

    const { code, stderr } = await watch.ended();
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("misses nothing while the service is down", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    const first = await startService(harness.location);
    const watch = startOms(["order", "watch", String(orderId), "--json"], { server: `127.0.0.1:${first.grpcPort}` });
    await watch.shows(/"snapshot"/);
    await first.stop();
    await report(orderId, OrderStatus.PAID);
    const second = await startService(harness.location, {}, { OMS_GRPC_PORT: String(first.grpcPort) });
    await watch.shows(/"change"/);
    const { client, close } = TRANSPORTS.gRPC(second);
    await client.updateOrderStatus({ orderId, status: OrderStatus.APPROVED, operator: "王芳" });
    close();
    const stdout = await watch.shows(/"version":"2"/);
    watch.child.kill("SIGTERM");
    const { stderr } = await watch.ended();
    await second.stop();

    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { snapshot: { orderStatus: "ORDER_STATUS_CREATED", version: "0" } },
      { change: { toStatus: "ORDER_STATUS_PAID", version: "1" } },
      { change: { toStatus: "ORDER_STATUS_APPROVED", version: "2" } },
    ]);
    expect(stderr).toContain("Lost the connection to");
  });

  test("ends with its parent process", async () => {
    const orderId = await insertOrder(harness.db, Status.CREATED);
    // As started by a Node version that cannot run TypeScript.
    const watch = startOms(["order", "watch", String(orderId)], { server, nodeArgs: ["--no-strip-types"] });
    await watch.shows(/ is CREATED/);
    watch.child.kill("SIGKILL");
    // Its output closes when the last process holding it has ended.
    await watch.ended();
  });
});

describe("oms states", () => {
  test("aligns Chinese names", async () => {
    const { stdout } = await oms(["states"], { server });
    const lines = stdout.split("\n").slice(0, STATES.length + 1);
    expect(lines[0]).toBe("code  state             中文       reported by          next states");
    expect(lines[6]).toBe(
      "2020  WMS_DISPATCHED    已下发WMS  forward flow         3010 3020 3030 4010 5010 5020 6010 6020 6030 6040 9001*",
    );
  });

  test("fits the width of the terminal", async () => {
    const { stdout } = await oms(["states"], { server, env: { COLUMNS: "70" } });
    expect(stdout.split("\n")[6]).toBe("2020  WMS_DISPATCHED    已下发WMS  forward flow         3010 3020 303…");
  });

  test("prints the state machine as JSON", async () => {
    const { stdout } = await oms(["states", "--json"], { server });
    expect(fromJson(DescribeStateMachineResponseSchema, JSON.parse(stdout)).states).toHaveLength(STATES.length);
  });

  test("uses colours only if requested", async () => {
    const colours = async (env: Record<string, string>) =>
      (await oms(["states"], { server, env })).stdout.includes("\u001b[");
    expect([await colours({}), await colours({ FORCE_COLOR: "1" }), await colours({ NO_COLOR: "1" })]).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("starts the pinned Node if the current one cannot run TypeScript", async () => {
    const { code, stdout } = await oms(["states"], { server, nodeArgs: ["--no-strip-types"] });
    expect([code, stdout]).toEqual([0, (await oms(["states"], { server })).stdout]);
    expect((await oms(["sates"], { server, nodeArgs: ["--no-strip-types"] })).code).toBe(2);
  });
});

describe("an unreachable service", () => {
  test("refuses connections", async () => {
    const { code, stdout, stderr } = await oms(["states", "--server", "127.0.0.1:1"]);
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/^No gRPC server answers at 127\.0\.0\.1:1 \(.*ECONNREFUSED.*\)\. .*npm start.*--server/);
  });

  test("is called on its HTTP port", async () => {
    const { code, stderr } = await oms(["states", "--server", `127.0.0.1:${harness.service.httpPort}`]);
    expect([code, stderr]).toEqual([3, expect.stringContaining("No gRPC server answers")]);
  });

  test("is another kind of server", async () => {
    const silent = createServer((socket) => socket.end("220 smtp ready\r\n"));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const { code, stderr } = await oms(["states", "--json", "--server", `127.0.0.1:${port}`]);
    silent.close();
    expect([code, JSON.parse(stderr).error.code]).toEqual([3, "UNAVAILABLE"]);
  });

  test("is looked up in the environment, with the default of the service", async () => {
    expect((await oms(["states"], { env: { OMS_GRPC_PORT: "2" } })).stderr).toContain("127.0.0.1:2 ");
    expect((await oms(["states"], { env: { OMS_GRPC_PORT: "2", OMS_SERVER: "127.0.0.1:3" } })).stderr).toContain(
      "127.0.0.1:3 ",
    );
    expect((await oms(["states", "--help"])).stdout).toContain("127.0.0.1:50051");
  });
});
