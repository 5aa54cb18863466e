import { expect, test } from "vitest";
import { createMisbehavingClients } from "../../../../src/transport/guard/misbehaving-clients.ts";
import { BLOCK_MS, MAX_VIOLATIONS } from "../../../../src/transport/limits.ts";

test("an address is blocked after its maximum of violations, until the time is over", () => {
  let time = 0;
  const clients = createMisbehavingClients(() => time);
  for (let count = 1; count < MAX_VIOLATIONS; count += 1) {
    clients.recordViolation("10.0.0.1");
  }
  expect(clients.isBlocked("10.0.0.1")).toBe(false);
  clients.recordViolation("10.0.0.1");
  expect([clients.isBlocked("10.0.0.1"), clients.isBlocked("10.0.0.2")]).toEqual([true, false]);
  time = BLOCK_MS;
  expect(clients.isBlocked("10.0.0.1")).toBe(false);
});

test("violations that are too far apart do not add up", () => {
  let time = 0;
  const clients = createMisbehavingClients(() => time);
  for (let count = 0; count < 2 * MAX_VIOLATIONS; count += 1) {
    clients.recordViolation("10.0.0.1");
    time += BLOCK_MS / 4;
    clients.check(time);
    expect(clients.isBlocked("10.0.0.1")).toBe(false);
  }
});
