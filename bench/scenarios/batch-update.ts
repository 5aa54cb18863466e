import type { Environment } from "../environment.ts";
import { runLoad } from "../load/index.ts";
import type { Sample, Scenario } from "../scenario.ts";
import {
  measureGroupCommit,
  ordersFor,
  ratioOf,
  requireAllSucceeded,
  secondsUntilDrained,
  withService,
} from "./support/measure.ts";

const SERVICE = "service";
const SQL = "group commit, no RPC";

/** Orders per call. */
const BATCH = 100;

/** Callers: one, and enough to saturate the database. */
const LEVELS = [1, 8];

const nameOf = (callers: number) => (callers === 1 ? "orders/s, 1 caller" : `orders/s, ${callers} callers`);

async function measureService(environment: Environment): Promise<Sample> {
  const { seconds, warmup } = environment;
  return withService(environment, async (service) => {
    const samples: Sample[] = [];
    for (const callers of LEVELS) {
      const orders = await environment.seedOrders(service, ordersFor(seconds + warmup));
      const job = { protocol: "grpc", ports: [service.port], call: "batch-update", callers } as const;
      const { changesPerSecond, p50, p99 } = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders }));
      const name = nameOf(callers);
      samples.push({
        [name]: changesPerSecond,
        [`${name}, p50 ms`]: p50,
        [`${name}, p99 ms`]: p99,
        [`${name}, drained s`]: await secondsUntilDrained(service),
      });
    }
    return Object.assign({}, ...samples);
  });
}

async function measureSql(environment: Environment): Promise<Sample> {
  const samples: Sample[] = [];
  for (const callers of LEVELS) {
    samples.push(await measureGroupCommit(environment, nameOf(callers), callers, BATCH));
  }
  return Object.assign({}, ...samples);
}

/** Many reports per call. */
export const batchUpdate: Scenario = {
  name: "batch-update",
  title: `BatchUpdateOrderStatus of ${BATCH} over gRPC`,
  description:
    "Orders per second, durable, events published and Actions completed. Group commit is the service's committer alone, called in its own process with as many" +
    " concurrent reports, without RPC, publishing and Actions.",
  subjects: [SERVICE, SQL],
  long: false,
  rounds: "all",
  measure: (subject, environment) => (subject === SERVICE ? measureService(environment) : measureSql(environment)),
  goals: LEVELS.map((callers) => ({
    text: `${callers === 1 ? "one caller" : `${callers} callers`} against group commit alone`,
    bound: "at least",
    target: 0.6,
    unit: "×",
    actual: (results) => ratioOf(results, nameOf(callers), SERVICE, SQL),
  })),
  chart: {
    title: `BatchUpdateOrderStatus of ${BATCH}: orders per second`,
    unit: "orders/s",
    measurements: LEVELS.map(nameOf),
  },
};
