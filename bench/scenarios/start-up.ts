import type { Scenario } from "../scenario.ts";
import { prepareNpmStart } from "./support/npm-start.ts";
import { medianOf } from "./support/results.ts";

const SECOND = "second start, s";

/** Start-up time of the service with embedded backends. */
export const startUp: Scenario = {
  name: "start-up",
  title: "npm start, from command to ready",
  description:
    "Embedded backends in a new data folder: the first start initialises it, the second start uses it. Ready means that /readyz reports database, broker and Redis.",
  subjects: ["service"],
  long: false,
  rounds: "all",
  async measure() {
    const npm = await prepareNpmStart();
    try {
      const first = await npm.start();
      const shutdown = await npm.stop();
      const second = await npm.start();
      await npm.stop();
      return { "first start, s": first, [SECOND]: second, "shutdown, s": shutdown };
    } finally {
      await npm.remove();
    }
  },
  goals: [
    {
      text: "second npm start to ready",
      bound: "at most",
      figure: 4,
      unit: "s",
      actual: (results) => medianOf(results, "service", SECOND),
    },
  ],
};
