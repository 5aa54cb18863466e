import { createRegistry } from "../../src/actions/registry.ts";
import { DEFAULT_ORDER_KINDS } from "../../src/domain/order-kinds.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { RPC_NAMES } from "../../src/transport/handlers/index.ts";

/** The labels of each series, by its name. */
export type Exposed = ReadonlyMap<string, ReadonlySet<string>>;

/** Labels that Prometheus adds to every series. */
const TARGET_LABELS = ["job", "instance"];

interface Metric {
  readonly name: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

/** The series exposed at /metrics, and those that Prometheus adds. */
export function exposedSeries(): Exposed {
  const series = new Map<string, ReadonlySet<string>>([["up", new Set(TARGET_LABELS)]]);
  const { registry } = createMetrics();
  for (const { name, type, labelNames } of registry.getMetricsAsArray() as unknown as readonly Metric[]) {
    const labels = new Set([...TARGET_LABELS, ...labelNames]);
    if (type === "histogram") {
      series.set(`${name}_bucket`, new Set([...labels, "le"]));
      series.set(`${name}_sum`, labels);
      series.set(`${name}_count`, labels);
    } else {
      series.set(name, labels);
    }
  }
  return series;
}

/** The possible values of some labels. A query for another value returns nothing. */
export function knownValues(): ReadonlyMap<string, ReadonlySet<string>> {
  const actions = createRegistry({ kinds: DEFAULT_ORDER_KINDS, paymentTimeoutMs: 0 }).map(({ name }) => name);
  const rpcs = RPC_NAMES.map((name) => name.split("/")[1] ?? name);
  return new Map([
    ["action", new Set(actions)],
    ["rpc", new Set(rpcs)],
    ["backend", new Set(["database", "broker", "redis"])],
  ]);
}
