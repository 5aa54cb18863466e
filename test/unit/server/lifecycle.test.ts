import { expect, test } from "vitest";
import { createLogger } from "../../../src/observability/log.ts";
import { createLifecycle } from "../../../src/server/lifecycle.ts";

function createFixture() {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger("debug", { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lifecycle: createLifecycle(log), lines };
}

test("components stop in the reverse order of their start, each once", async () => {
  const { lifecycle, lines } = createFixture();
  const stopped: string[] = [];
  for (const name of ["database", "relay", "servers"]) {
    expect(
      await lifecycle.start(
        name,
        async () => name,
        (component) => stopped.push(component),
      ),
    ).toBe(name);
  }

  await Promise.all([lifecycle.stop(), lifecycle.stop()]);

  expect(stopped).toEqual(["servers", "relay", "database"]);
  expect(lines.map(({ msg, component }) => [msg, component])).toEqual(stopped.map((name) => ["stopped", name]));
});

test("a component that fails to stop is logged and does not keep the others running", async () => {
  const { lifecycle, lines } = createFixture();
  const stopped: string[] = [];
  await lifecycle.start(
    "database",
    () => "database",
    (component) => stopped.push(component),
  );
  await lifecycle.start(
    "relay",
    () => "relay",
    () => Promise.reject(new Error("timed out")),
  );

  await lifecycle.stop();

  expect(stopped).toEqual(["database"]);
  expect(lines[0]).toMatchObject({ level: "error", msg: "component failed to stop", component: "relay" });
});

test("a component that fails to start is not stopped", async () => {
  const { lifecycle, lines } = createFixture();
  const start = lifecycle.start(
    "relay",
    () => Promise.reject(new Error("no database")),
    () => {},
  );

  await expect(start).rejects.toThrow("no database");
  await lifecycle.stop();
  expect(lines).toEqual([]);
});
