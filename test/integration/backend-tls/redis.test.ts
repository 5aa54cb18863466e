import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openRedis, type RedisAddress } from "../../../src/integrations/redis.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { createAuthority, useFolder } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import { useOwnServer, useRedis } from "../../support/servers.ts";
import { redisWithTls } from "./servers.ts";

const folder = useFolder();
const authority = createAuthority(join(folder, "ours"), "the company");
const stranger = createAuthority(join(folder, "strangers"), "another company");
const certificate = authority.issue({ subject: "/CN=cache", altNames: "DNS:localhost" });
const server = useOwnServer(
  redisWithTls(certificate, "user default off", "user oms on >hunter2 ~oms:* +@all -@dangerous +info"),
);
const plain = useRedis();

/** A connection and its log. */
function open(address: RedisAddress) {
  const log: Record<string, unknown>[] = [];
  const logger = createLogger("debug", { write: (line: string) => void log.push(JSON.parse(line)) });
  const redis = openRedis({ ...address, log: logger });
  onTestFinished(() => redis.disconnect());
  return { redis, log };
}

describe("a Redis that requires TLS and a password", () => {
  test.each([
    ["rediss:", "rediss"],
    ["redis: and a CA", "redis"],
  ])("connects with %s", async (_, scheme) => {
    const { redis } = open({ url: `${scheme}://oms:hunter2@localhost:${server.port}`, ca: authority.ca });
    await eventually(() => expect(redis.status).toBe("ready"));
    expect(await redis.set("oms:a", "1")).toBe("OK");
  });

  test.each([
    ["another CA", "oms:hunter2", "localhost", () => stranger.ca, /not trusted.*OMS_REDIS_CA_FILE is not/],
    ["no CA", "oms:hunter2", "localhost", () => undefined, /not trusted.*set OMS_REDIS_CA_FILE/],
    ["another name", "oms:hunter2", "127.0.0.1", () => authority.ca, /does not match its host name.*OMS_REDIS_URL/],
    ["a wrong password", "oms:hunter3", "localhost", () => authority.ca, /rejected the credentials.*OMS_REDIS_URL/],
    ["no password", "", "localhost", () => authority.ca, /rejected the credentials.*OMS_REDIS_URL/],
  ])("the log explains: %s", async (_, user, host, ca, words) => {
    const { redis, log } = open({ url: `rediss://${user}${user && "@"}${host}:${server.port}`, ca: ca() });
    await eventually(() =>
      expect(log).toContainEqual(expect.objectContaining({ reason: expect.stringMatching(words) })),
    );
    expect(redis.status).not.toBe("ready");
    await expect(redis.get("oms:a")).rejects.toThrow();
    expect(JSON.stringify(log)).not.toMatch(/hunter/);
  });

  test("no command is sent to a server without TLS", async () => {
    const { log } = open({ url: `redis://oms:hunter2@localhost:${plain.port}`, ca: authority.ca });
    await eventually(() =>
      expect(log).toContainEqual(
        expect.objectContaining({
          reason: expect.stringContaining(
            "did not answer in time (connect ETIMEDOUT): check that a server with TLS runs",
          ),
        }),
      ),
    );
    expect(JSON.stringify(log)).not.toContain("hunter2");
  });
});
