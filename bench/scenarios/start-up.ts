import type { Scenario } from "../scenario.ts";
import { startAsUser } from "./support/npm-start.ts";
import { medianOf } from "./support/results.ts";

const SECOND = "second start, s";

/** From the command to the first call. */
export const startUp: Scenario = {
  name: "start-up",
  title: "npm start, from the command to ready",
  about:
    "With the embedded servers, in a folder of its own: the first start makes their data, the second one finds it. Ready is /readyz with database, broker and Redis at hand.",
  sides: ["service"],
  long: false,
  rounds: "all",
  async measure() {
    const place = await startAsUser();
    try {
      const first = await place.start();
      const ended = await place.stop();
      const second = await place.start();
      await place.stop();
      return { "first start, s": first, [SECOND]: second, "end, s": ended };
    } finally {
      await place.remove();
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
