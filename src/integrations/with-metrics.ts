import type { Metrics } from "../observability/metrics.ts";
import type { NeighbourClient } from "./client.ts";

/** The same client, with each answer's time in the metrics: also of one that never came. */
export function measured(
  name: string,
  client: NeighbourClient,
  { neighbourDuration }: Pick<Metrics, "neighbourDuration">,
): NeighbourClient {
  const ask: NeighbourClient["ask"] = async (...request) => {
    const began = performance.now();
    const said = await client.ask(...request);
    neighbourDuration.observe({ neighbour: name, result: said.delivered.kind }, (performance.now() - began) / 1_000);
    return said;
  };
  return { ask, post: async (...request) => (await ask(...request)).delivered, close: client.close };
}
