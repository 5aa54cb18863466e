import type { Metrics } from "../observability/metrics.ts";
import type { ExternalClient } from "./external-client.ts";

/** The same client, with each answer's time in the metrics: also of one that never came. */
export function withMetrics(
  name: string,
  client: ExternalClient,
  { externalRequestDuration }: Pick<Metrics, "externalRequestDuration">,
): ExternalClient {
  const ask: ExternalClient["send"] = async (...request) => {
    const began = performance.now();
    const said = await client.send(...request);
    externalRequestDuration.observe({ system: name, result: said.outcome.kind }, (performance.now() - began) / 1_000);
    return said;
  };
  return { send: ask, post: async (...request) => (await ask(...request)).outcome, close: client.close };
}
