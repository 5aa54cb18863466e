import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { OrderFlow } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { type Clients, type OpenClient, TRANSPORTS } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { useMariadb, useNats, useRedis, useStubSystems } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";

/** Short times, so that no test waits for a back-off or the lease of a dead server. */
const TIMING = {
  OMS_ROLE: "all",
  OMS_LEASE_MS: "10000",
  OMS_ACTION_POLL_MS: "50",
  OMS_RETRY_BASE_MS: "50",
  OMS_RETRY_CAP_MS: "300",
  OMS_EXTERNAL_TIMEOUT_MS: "5000",
};

/** A server and its clients. */
export interface Server extends Clients {
  readonly service: Service;
  stop(): Promise<void>;
}

/** Whole servers (calls, effects and steps) with real backends and the stub systems. */
export function useFlows() {
  const location = useMariadb();
  const nats = useNats();
  const redis = useRedis();
  const stubSystems = useStubSystems();
  const db = openDatabase(location);
  const running = new Set<Server>();

  beforeAll(async () => {
    await migrate(db);
  });
  afterEach(async () => {
    await Promise.all([...running].map((server) => server.stop()));
    await stubSystems.reset();
  });
  afterAll(() => db.destroy());

  const start = async (env: Record<string, string> = {}): Promise<Server> => {
    const service = await startService(
      location,
      { natsUrl: nats.url, redisUrl: redis.url, systemUrls: stubSystems.urls },
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

  return { start, db, stubSystems };
}

/** Submits an order, by default an ordinary one of one warehouse. */
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

/** Waits until an order reaches a status. */
export function reachesStatus({ client }: Clients, orderId: bigint, status: OrderStatus): Promise<void> {
  return eventually(async () => {
    const { orderStatus } = await client.getOrderStatus({ orderId });
    expect(orderStatus).toBe(status);
  });
}

/** Waits for an order's flow status. */
export function flowIs({ fulfilment }: Clients, orderId: bigint, expected: Partial<OrderFlow>): Promise<void> {
  return eventually(async () => {
    expect(await fulfilment.getOrderFlow({ orderId })).toMatchObject(expected);
  });
}
