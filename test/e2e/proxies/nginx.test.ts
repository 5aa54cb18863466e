import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { beforeAll, inject, test } from "vitest";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { choosePort } from "../../../tools/devstack/ports.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";
import { startWatcher } from "../../support/watcher.ts";
import { expectProxies, startProxy, useProxies } from "./proxy-process.ts";

const harness = useService();
useProxies();
let port = 0;

/** A plain `proxy_pass`: HTTP/1.0 to the service, responses buffered. */
beforeAll(async () => {
  expectProxies();
  port = await choosePort();
  const folder = mkdtempSync(join(inject("folder"), "nginx-"));
  const file = join(folder, "nginx.conf");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    file,
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;
     events {}
     http {
       access_log off; ${temporary.join(" ")}
       server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${harness.service.httpPort}; } }
     }`,
  );
  await startProxy("/usr/sbin/nginx", ["-c", file, "-e", `${folder}/error.log`], port);
});

const clients: Record<string, (baseUrl: string) => Client<typeof OrderStatusService>> = {
  Connect: (baseUrl) => createClient(OrderStatusService, createConnectTransport({ baseUrl, httpVersion: "1.1" })),
  "gRPC-Web": (baseUrl) => createClient(OrderStatusService, createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })),
};

test.each(Object.keys(clients))("%s: calls pass, and each message of a watch at once", async (name) => {
  const client = clients[name]?.(`http://127.0.0.1:${port}`) as Client<typeof OrderStatusService>;
  const orderId = await insertOrder(harness.db, Status.CREATED);
  const watcher = startWatcher(client, { orderIds: [orderId] });
  await watcher.expectUpdates([`${orderId} at 0: 1000`]);
  await client.updateOrderStatus({ orderId, status: Status.PAID, operator: "x" });
  await watcher.expectUpdates([`${orderId} at 0: 1000`, `${orderId} 1: 1000 > 1010`]);
});
