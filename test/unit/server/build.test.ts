import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/load.ts";
import { forEachSystem } from "../../../src/integrations/systems.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { buildServer } from "../../../src/server/build.ts";

test("a server that is built but not started opens nothing", async () => {
  const before = process.getActiveResourcesInfo();
  const server = buildServer({
    config: readConfig({}),
    endpoints: {
      mysqlUrl: "mysql://127.0.0.1:1",
      redisUrl: "redis://127.0.0.1:1",
      natsUrl: "nats://127.0.0.1:1",
      systemUrls: forEachSystem((name) => `http://127.0.0.1:1/${name}`),
    },
    log: createLogger("silent"),
  });
  expect(process.getActiveResourcesInfo()).toEqual(before);
  await server.stop();
});
