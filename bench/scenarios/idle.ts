import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import type { Scenario } from "../scenario.ts";
import { medianOf, withService } from "./support/measure.ts";

const PROCESSES = 3;
const STATEMENTS = "statements/s of each process";

/** Time until the processes have divided the background work, in milliseconds. */
const SETTLE_MS = 10_000;

/** What servers do when nothing happens. */
export const idle: Scenario = {
  name: "idle",
  title: "Idle servers",
  description: `Statements per second that the database receives from each of ${PROCESSES} processes, without calls and open work.`,
  subjects: ["service"],
  long: false,
  rounds: "all",
  async measure(_, environment) {
    const { seconds, endpoints } = environment;
    const database = await createConnection(endpoints.mysqlUrl);
    const statements = async () => {
      const [rows] = await database.query<RowDataPacket[]>("show global status like 'Questions'");
      return Number(rows[0]?.Value);
    };
    try {
      return await withService(
        environment,
        async (running) => {
          await sleep(SETTLE_MS);
          const [before, cpu] = [await statements(), running.cpu()];
          await sleep(seconds * 1_000);
          // Without this statement itself.
          const sent = (await statements()) - before - 1;
          const perProcess = seconds * PROCESSES;
          return {
            [STATEMENTS]: sent / perProcess,
            "processor ms/s of each process": ((running.cpu() - cpu) * 1_000) / perProcess,
          };
        },
        { processes: PROCESSES },
      );
    } finally {
      await database.end();
    }
  },
  goals: [
    {
      text: "statements per second of each process",
      bound: "at most",
      target: 1,
      unit: "statements/s",
      actual: (results) => medianOf(results, "service", STATEMENTS),
    },
  ],
};
