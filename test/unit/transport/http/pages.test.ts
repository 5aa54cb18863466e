import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { createMetrics } from "../../../../src/observability/metrics.ts";
import { createPages } from "../../../../src/transport/http/pages.ts";

const READY = { ready: true, draining: false, database: "ok", broker: "ok", redis: "ok" };

/** Requests a page from an address. @returns the status */
async function statusOf(path: string, remoteAddress: string, metricsAllow: readonly string[] | undefined) {
  const pages = createPages({
    ready: async () => READY,
    metrics: createMetrics(),
    auth: undefined,
    metricsAllow,
    addressCheck: { rejects: () => false, reject() {} },
    routes: [],
  });
  let status = 0;
  const response = {
    writeHead(code: number) {
      status = code;
      return this;
    },
    setHeader() {},
    end() {},
  };
  const request = { url: path, method: "GET", headers: {}, socket: { remoteAddress } };
  await pages(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  return status;
}

test("/metrics is for the allowed addresses and this machine; health checks are open", async () => {
  const allow = ["10.9.0.0/24"];
  for (const address of ["10.9.0.7", "::ffff:10.9.0.7", "127.0.0.1", "::1"]) {
    expect(await statusOf("/metrics", address, allow)).toBe(200);
  }
  for (const address of ["10.9.1.7", "2001:db8::1"]) {
    expect(await statusOf("/metrics", address, allow)).toBe(403);
    expect(await statusOf("/metrics", address, [])).toBe(403);
    expect(await statusOf("/metrics", address, undefined)).toBe(200);
    expect(await statusOf("/readyz", address, allow)).toBe(200);
  }
});
