import type { Metrics } from "../observability/metrics.ts";
import type { ExternalClient } from "./external-client.ts";

/** The same client, with each answer's time in the metrics: also of one that never came. */
export function withMetrics(
  name: string,
  client: ExternalClient,
  { neighbourDuration }: Pick<Metrics, "neighbourDuration">,
): ExternalClient {
  const ask: ExternalClient["send"] = async (...request) => {
    const began = performance.now();
    const said = await client.send(...request);
    neighbourDuration.observe({ neighbour: name, result: said.outcome.kind }, (performance.now() - began) / 1_000);
    return said;
  };
  return { send: ask, post: async (...request) => (await ask(...request)).outcome, close: client.close };
}
