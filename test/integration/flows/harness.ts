import { afterAll, afterEach, beforeAll, expect, vi } from "vitest";
import type { OrderFlow } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { type Clients, type OpenClient, TRANSPORTS } from "../../support/clients.ts";
import { useMariadb, useNats, useRedis, useStubSystems } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";

/** Short times, so that a back-off or a dead server's lease is not waited for. */
const TIMING = {
  OMS_ROLE: "all",
  OMS_LEASE_MS: "10000",
  OMS_ACTION_POLL_MS: "50",
  OMS_RETRY_BASE_MS: "50",
  OMS_RETRY_CAP_MS: "300",
  OMS_EXTERNAL_TIMEOUT_MS: "5000",
};

/** How long a fact may take to come true, in milliseconds: a hung test's limit, not a slow machine's. */
const PATIENCE_MS = 25_000;

/** A server, and clients for it. */
export interface Server extends Clients {
  readonly service: Service;
  stop(): Promise<void>;
}

/** Whole servers (calls, Actions and steps) with real databases and the embedded neighbours around them. */
export function useFlows() {
  const location = useMariadb();
  const nats = useNats();
  const redis = useRedis();
  const neighbours = useStubSystems();
  const db = openDatabase(location);
  const running = new Set<Server>();

  beforeAll(async () => {
    await migrate(db);
  });
  afterEach(async () => {
    await Promise.all([...running].map((server) => server.stop()));
    await neighbours.reset();
  });
  afterAll(() => db.destroy());

  const start = async (env: Record<string, string> = {}): Promise<Server> => {
    const service = await startService(
      location,
      { natsUrl: nats.url, redisUrl: redis.url, systemUrls: neighbours.urls },
      { ...TIMING, ...env },
    );
    const clients: OpenClient = TRANSPORTS.gRPC(service);
    const server: Server = {
      ...clients,
      service,
      async stop() {
        running.delete(server);
        clients.close();
        await service.stop();
      },
    };
    running.add(server);
    return server;
  };

  return { start, db, neighbours, eventually };
}

export function eventually<T>(check: () => Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: PATIENCE_MS, interval: 50 });
}

/** An ordinary order of one warehouse, unless told. */
export async function submit(
  { fulfilment }: Clients,
  {
    warehouses = [1n],
    orderSource = 1000,
  }: { readonly warehouses?: readonly bigint[]; readonly orderSource?: number } = {},
): Promise<bigint> {
  const lines = warehouses.map((warehouseId, index) => ({
    skuId: BigInt(100 + index),
    quantity: 2 + index,
    warehouseId,
  }));
  const { orderId } = await fulfilment.submitOrder({ orderSource, orderType: 1, lines, operator: "shop" });
  return orderId;
}

export async function pay({ client }: Clients, orderId: bigint): Promise<void> {
  await client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "pay" });
}

/** Waits until an order stands there. */
export function reachesStatus({ client }: Clients, orderId: bigint, status: OrderStatus): Promise<void> {
  return eventually(async () => {
    const { orderStatus } = await client.getOrderStatus({ orderId });
    expect(orderStatus).toBe(status);
  });
}

/** Waits until the flow stands so with an order. */
export function flowIs({ fulfilment }: Clients, orderId: bigint, expected: Partial<OrderFlow>): Promise<void> {
  return eventually(async () => {
    expect(await fulfilment.getOrderFlow({ orderId })).toMatchObject(expected);
  });
}
