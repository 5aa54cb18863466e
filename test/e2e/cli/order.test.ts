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

const served = useService();
let server = "";
beforeAll(() => {
  server = `127.0.0.1:${served.service.grpcPort}`;
});

const report = (orderId: bigint, status: OrderStatus) =>
  served.client("gRPC").updateOrderStatus({ orderId, status, operator: "王芳", remark: "已收到付款" });

describe("one order", () => {
  test("is explained", async () => {
    const orderId = await insertOrder(served.db, Status.CREATED);
    const { code, stdout, stderr } = await oms(["order", "explain", String(orderId)], { server });

    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.split("\n");
    expect(lines.slice(0, 7)).toEqual([
      `Order ${orderId}: CREATED (1000) 已创建, version 0`,
      "The order is CREATED (1000) and waits for Pay to report PAID (1010).",
      "",
      "may come next          reported by",
      "PAID (1010) 已付款     Pay",
      "CANCELLED (9001) 取消  reversal flow",
      "",
    ]);
    expect(lines.find((line) => line.startsWith("DELIVERED"))).toBe(
      "DELIVERED (6010) 妥投            no way leads from CREATED (1000) to DELIVERED (6010)",
    );
  });

  test("is explained to scripts", async () => {
    const orderId = await insertOrder(served.db, Status.PACKED);
    const { code, stdout } = await oms(["--json", "order", "explain", String(orderId)], { server });

    expect(code).toBe(0);
    const json = JSON.parse(stdout);
    expect(json).toMatchObject({ orderStatus: "ORDER_STATUS_PACKED", paused: false, version: "0", openActions: [] });
    expect(fromJson(ExplainOrderResponseSchema, json)).toEqual(await served.client("gRPC").explainOrder({ orderId }));
  });

  test("has its history", async () => {
    const orderId = await insertOrder(served.db, Status.CREATED);
    await report(orderId, OrderStatus.PAID);
    const human = await oms(["order", "history", String(orderId)], { server });
    const script = await oms(["order", "history", String(orderId), "--json"], { server });

    const [titles = "", first = ""] = human.stdout.split("\n");
    expect(titles).toMatch(/^committed +happened +version +outcome +state +reported by +remark$/);
    expect(first).toMatch(
      /^[\d-]{10} [\d:]{8} {2}[\d-]{10} [\d:]{8} {8}1 {2}APPLIED {2}PAID \(1010\) 已付款 {2}.*\(王芳\) {2}已收到付款$/,
    );
    expect(fromJson(ListStatusHistoryResponseSchema, JSON.parse(script.stdout)).entries).toMatchObject([
      { toStatus: OrderStatus.PAID, operator: "王芳", remark: "已收到付款" },
    ]);
  });

  test("that nobody knows", async () => {
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

describe("a watch", () => {
  test("shows each change, and ends with Ctrl-C", async () => {
    const [one, other] = [await insertOrder(served.db, Status.CREATED), await insertOrder(served.db, Status.PACKED)];
    const watch = startOms(["order", "watch", String(one), String(other)], { server });
    await watch.shows(new RegExp(`order ${other}  stands at PACKED \\(3030\\) 打包`));
    await report(one, OrderStatus.PAID);
    await watch.shows(new RegExp(`order ${one}  CREATED \\(1000\\) 已创建 → PAID \\(1010\\) 已付款  version 1`));
    watch.child.kill("SIGINT");

    const { code, stderr } = await watch.ended();
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("misses nothing while the service is away", async () => {
    const orderId = await insertOrder(served.db, Status.CREATED);
    const first = await startService(served.location);
    const watch = startOms(["order", "watch", String(orderId), "--json"], { server: `127.0.0.1:${first.grpcPort}` });
    await watch.shows(/"snapshot"/);
    await first.stop();
    await report(orderId, OrderStatus.PAID);
    const second = await startService(served.location, {}, { OMS_GRPC_PORT: String(first.grpcPort) });
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

  test("ends with who started it", async () => {
    const orderId = await insertOrder(served.db, Status.CREATED);
    // The way of a Node that does not run TypeScript.
    const watch = startOms(["order", "watch", String(orderId)], { server, nodeArgs: ["--no-strip-types"] });
    await watch.shows(/stands at/);
    watch.child.kill("SIGKILL");
    // Its output closes when the last process that holds it has ended.
    await watch.ended();
  });
});

describe("the states", () => {
  test("are a table with Chinese names that is aligned", async () => {
    const { stdout } = await oms(["states"], { server });
    const lines = stdout.split("\n").slice(0, STATES.length + 1);
    expect(lines[0]).toBe("code  state             中文       reported by          may go to");
    expect(lines[6]).toBe(
      "2020  WMS_DISPATCHED    已下发WMS  forward flow         3010 3020 3030 4010 5010 5020 6010 6020 6030 6040 9001*",
    );
  });

  test("are cut to the terminal's width", async () => {
    const { stdout } = await oms(["states"], { server, env: { COLUMNS: "70" } });
    expect(stdout.split("\n")[6]).toBe("2020  WMS_DISPATCHED    已下发WMS  forward flow         3010 3020 303…");
  });

  test("are the server's, for scripts", async () => {
    const { stdout } = await oms(["states", "--json"], { server });
    expect(fromJson(DescribeStateMachineResponseSchema, JSON.parse(stdout)).states).toHaveLength(STATES.length);
  });

  test("have colours where they are wanted only", async () => {
    const colours = async (env: Record<string, string>) =>
      (await oms(["states"], { server, env })).stdout.includes("\u001b[");
    expect([await colours({}), await colours({ FORCE_COLOR: "1" }), await colours({ NO_COLOR: "1" })]).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("come by way of the pinned Node where the caller's runs no TypeScript", async () => {
    const { code, stdout } = await oms(["states"], { server, nodeArgs: ["--no-strip-types"] });
    expect([code, stdout]).toEqual([0, (await oms(["states"], { server })).stdout]);
    expect((await oms(["sates"], { server, nodeArgs: ["--no-strip-types"] })).code).toBe(2);
  });
});

describe("out of reach", () => {
  test("the service does not run", async () => {
    const { code, stdout, stderr } = await oms(["states", "--server", "127.0.0.1:1"]);
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/^No gRPC server answers at 127\.0\.0\.1:1 \(.*ECONNREFUSED.*\)\. .*npm start.*--server/);
  });

  test("the wrong port of the service", async () => {
    const { code, stderr } = await oms(["states", "--server", `127.0.0.1:${served.service.httpPort}`]);
    expect([code, stderr]).toEqual([3, expect.stringContaining("No gRPC server answers")]);
  });

  test("something else", async () => {
    const silent = createServer((socket) => socket.end("220 smtp ready\r\n"));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const { code, stderr } = await oms(["states", "--json", "--server", `127.0.0.1:${port}`]);
    silent.close();
    expect([code, JSON.parse(stderr).error.code]).toEqual([3, "UNAVAILABLE"]);
  });

  test("the address comes from the environment, else it is the service's default", async () => {
    expect((await oms(["states"], { env: { OMS_GRPC_PORT: "2" } })).stderr).toContain("127.0.0.1:2 ");
    expect((await oms(["states"], { env: { OMS_GRPC_PORT: "2", OMS_SERVER: "127.0.0.1:3" } })).stderr).toContain(
      "127.0.0.1:3 ",
    );
    expect((await oms(["states", "--help"])).stdout).toContain("127.0.0.1:50051");
  });
});
