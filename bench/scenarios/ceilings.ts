import type { Environment } from "../environment.ts";
import type { Sample, Scenario } from "../scenario.ts";
import { measureGroupCommit } from "./support/group-commit.ts";

const SQL = "SQL in groups, no RPC";
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

/** What database and broker give at most, to whom nothing else is on the machine. */
export const ceilings: Scenario = {
  name: "ceilings",
  title: "Database and broker alone",
  description:
    "Changes a second through the service's committer alone, durable, in its own process; messages a second that the broker takes with 512 under way," +
    " and that one durable consumer takes and acknowledges.",
  subjects: [SQL, BROKER],
  long: false,
  rounds: "all",
  measure: (subject, environment) =>
    subject === SQL
      ? measureSql(environment)
      : environment.runProgram("jetstream.ts", ["--seconds", String(environment.seconds)]),
  goals: [],
};
