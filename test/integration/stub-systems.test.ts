import { afterEach, describe, expect, it } from "vitest";
import { useStubSystems } from "../support/servers.ts";

const stubSystems = useStubSystems();

afterEach(() => stubSystems.reset());

/** Sends a request as the service does. */
async function post(path: string, key: string, body: object = { orderId: "7" }, timeoutMs = 5_000) {
  const response = await fetch(`${stubSystems.url}/${path}`, {
    method: "POST",
    headers: { "idempotency-key": key, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { status: response.status, body: await response.json() };
}

const ALL = ["einvoice", "finance", "message", "erp/allocate", "erp/release", "wms/dispatch", "wms/cancel"];

describe("the stub systems", () => {
  it("execute requests and record them by path and idempotency key", async () => {
    for (const path of ALL) {
      const answer = path === "wms/cancel" ? { answer: "agreed" } : {};
      expect(await post(path, "7-1", { orderId: "7", path })).toEqual({ status: 200, body: answer });
    }
    const { totals, received } = await stubSystems.received();
    expect(totals).toEqual(
      Object.fromEntries(ALL.map((path) => [path, { keys: 1, arrivals: 1, done: 1, repeats: 0 }])),
    );
    expect(received.map((entry) => entry.body)).toEqual(ALL.toReversed().map((path) => ({ orderId: "7", path })));
    expect((await stubSystems.received({ system: "erp" })).received).toHaveLength(2);
    expect((await stubSystems.received({ key: "7-2" })).received).toEqual([]);
  });

  it("execute an idempotency key once", async () => {
    await Promise.all([post("finance", "7-1"), post("finance", "7-1"), post("finance", "7-1")]);
    expect((await stubSystems.received()).totals).toEqual({ finance: { keys: 1, arrivals: 3, done: 1, repeats: 2 } });
  });

  it("fail as often as the rule sets, for its orders", async () => {
    await stubSystems.control({ system: "einvoice", mode: "fail", status: 503, times: 2, orderIds: ["7"] });
    expect((await post("einvoice", "8-1", { orderId: "8" })).status).toBe(200);
    expect((await post("einvoice", "7-1")).status).toBe(503);
    expect((await post("einvoice", "7-1")).status).toBe(503);
    expect((await post("einvoice", "7-1")).status).toBe(200);
    const [entry] = (await stubSystems.received({ orderId: "7" })).received;
    expect(entry).toMatchObject({ key: "7-1", arrivals: 3, done: true, repeats: 0, status: 200 });
  });

  it("refuse as their contracts define", async () => {
    await stubSystems.control({ system: "erp", mode: "refuse", reason: "no stock" });
    await stubSystems.control({ system: "wms", mode: "refuse", reason: "already packed" });
    expect(await post("erp/allocate", "7-1")).toEqual({ status: 409, body: { reason: "no stock" } });
    expect(await post("wms/dispatch", "7-1")).toEqual({ status: 422, body: { reason: "already packed" } });
    expect(await post("wms/cancel", "7-2")).toEqual({
      status: 200,
      body: { answer: "refused", reason: "already packed" },
    });
    await stubSystems.control({ system: "wms/cancel", mode: "later" });
    expect(await post("wms/cancel", "7-3")).toEqual({ status: 200, body: { answer: "later" } });
    await stubSystems.control({ system: "wms", mode: "ok" });
    expect(await post("wms/cancel", "7-3")).toEqual({ status: 200, body: { answer: "agreed" } });
    expect(await post("wms/cancel", "7-2"), "repeats the first response").toMatchObject({
      body: { answer: "refused" },
    });
  });

  it("hang, delay and lose responses by rule", async () => {
    await stubSystems.control({ system: "message", mode: "hang" });
    await expect(post("message", "7-1", {}, 100)).rejects.toThrow(/timeout/i);
    await stubSystems.control({ system: "message", mode: "slow", delayMs: 50 });
    const before = performance.now();
    expect((await post("message", "7-1")).status).toBe(200);
    expect(performance.now() - before).toBeGreaterThanOrEqual(49);
    await stubSystems.control({ system: "message", mode: "lose", times: 1 });
    await expect(post("message", "7-2")).rejects.toThrow();
    expect((await post("message", "7-2")).status).toBe(200);
    expect((await stubSystems.received({ key: "7-2" })).received[0]).toMatchObject({
      arrivals: 2,
      done: true,
      repeats: 1,
    });
  });

  it("keep requests across a kill", async () => {
    await post("finance", "7-1");
    const { totals } = await stubSystems.received();
    await stubSystems.restart();
    expect((await stubSystems.received()).totals).toEqual(totals);
    expect((await post("finance", "7-1")).status).toBe(200);
    expect((await stubSystems.received()).totals.finance).toMatchObject({ done: 1, repeats: 1 });
  });

  it("report invalid requests", async () => {
    const noKey = await fetch(`${stubSystems.url}/finance`, { method: "POST", body: "{}" });
    expect(noKey.status).toBe(400);
    expect((await fetch(`${stubSystems.url}/nowhere`)).status).toBe(404);
    await expect(stubSystems.control({ system: "bank", mode: "ok" })).rejects.toThrow("system must be one of");
    const huge = await fetch(`${stubSystems.url}/finance`, {
      method: "POST",
      headers: { "idempotency-key": "x" },
      body: "x".repeat(1024 * 1024 + 1),
    });
    expect(huge.status).toBe(413);
  });

  it("escape received content on their page", async () => {
    await post("finance", "<script>alert(1)</script>");
    const page = await (await fetch(stubSystems.url)).text();
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).not.toContain("<script>");
  });
});
