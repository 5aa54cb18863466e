import { asCaller, type ServiceClients } from "../client/index.ts";
import { UnexpectedResponse } from "./expected-state.ts";

/** Maximum wait for a change, in milliseconds. */
const UNTIL_MS = 30_000;

/** The changes seen by a watch. */
export type Watch = ReturnType<typeof watchOrders>;

/** Watches orders with one stream. */
export function watchOrders({ orderStatus }: ServiceClients, orderIds: readonly bigint[]) {
  const afterVersions = Object.fromEntries(orderIds.map((id) => [String(id), 0n]));
  const request = { orderIds: [...orderIds], afterVersions };
  const stopping = new AbortController();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const changes: string[] = [];
  const versions = new Map<bigint, bigint>();
  const faults: string[] = [];
  const receive = async () => {
    const options = { ...asCaller("demo"), signal: stopping.signal, timeoutMs: 0 };
    for await (const { update } of orderStatus.watchOrderStatus(request, options)) {
      if (update.case !== "change") {
        continue;
      }
      const { orderId, version } = update.value;
      changes.push(`${orderId}-${version}`);
      const previous = versions.get(orderId) ?? 0n;
      if (version !== previous + 1n) {
        faults.push(`the watch returned version ${version} of order ${orderId} after version ${previous}`);
      }
      versions.set(orderId, version);
      waiting.get(`${orderId}-${version}`)?.resolve();
    }
  };
  let ended: UnexpectedResponse | undefined;
  receive()
    .then(
      () => "the watch ended",
      (error: unknown) => `the watch failed: ${error instanceof Error ? error.message : String(error)}`,
    )
    .then((fault) => {
      if (!stopping.signal.aborted) {
        faults.push(fault);
        // No change arrives any more: scenarios must not wait for one.
        ended = new UnexpectedResponse(fault);
        for (const { reject } of waiting.values()) {
          reject(ended);
        }
      }
    });
  return {
    /**
     * Waits until the order has reached a version.
     *
     * @throws UnexpectedResponse after a time limit, or when the stream ends
     */
    async until(orderId: bigint, version: number): Promise<void> {
      if ((versions.get(orderId) ?? 0n) >= BigInt(version)) {
        return;
      }
      if (ended !== undefined) {
        throw ended;
      }
      const waiter = Promise.withResolvers<void>();
      const key = `${orderId}-${version}`;
      const timer = setTimeout(
        () =>
          waiter.reject(
            new UnexpectedResponse(`order ${orderId} did not reach version ${version} within ${UNTIL_MS / 1000} s`),
          ),
        UNTIL_MS,
      );
      waiting.set(key, waiter);
      await waiter.promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(key);
      });
    },
    /** Message ids of the changes, in the order received. */
    changes: changes as readonly string[],
    /** Gaps, reordered versions and errors. */
    faults: faults as readonly string[],
    close: () => stopping.abort(),
  };
}
