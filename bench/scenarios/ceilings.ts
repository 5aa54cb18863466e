import type { Environment } from "../environment.ts";
import type { Sample, Scenario } from "../scenario.ts";
import { measureGroupCommit } from "./support/measure.ts";

const SQL = "group commit, no RPC";
const BROKER = "JetStream";

const LEVELS = [1, 64, 256];

async function measureSql(environment: Environment): Promise<Sample> {
  const samples: Sample[] = [];
  for (const callers of LEVELS) {
    const name = callers === 1 ? "changes/s, 1 caller" : `changes/s, ${callers} callers`;
    samples.push(await measureGroupCommit(environment, name, callers, 1));
  }
  return Object.assign({}, ...samples);
}

/** Maximum throughput of database and broker, with nothing else on the machine. */
export const ceilings: Scenario = {
  name: "ceilings",
  title: "Database and broker alone",
  description:
    "Changes per second by the service's committer alone, durable, in its own process. Messages per second that the broker accepts with 512 in flight," +
    " and that one durable consumer receives and acknowledges.",
  subjects: [SQL, BROKER],
  long: false,
  rounds: "all",
  measure: (subject, environment) =>
    subject === SQL
      ? measureSql(environment)
      : environment.runProgram("jetstream.ts", ["--seconds", String(environment.seconds)]),
  goals: [],
};
