import { defineConfig } from "vitest/config";

/** Workers run servers of their own: as many workers as the cores of a small machine. */
const common = {
  pool: "forks" as const,
  // Only a test that hangs reaches them: several times what the slowest need on a slow machine.
  testTimeout: 60_000,
  hookTimeout: 120_000,
};

const withServers = { ...common, globalSetup: ["test/support/global-setup.ts"] };

export default defineConfig({
  test: {
    maxWorkers: 2,
    teardownTimeout: 20_000,
    projects: [
      // Unit tests share no state, so a worker runs its files without reloading modules.
      { test: { ...common, name: "unit", include: ["test/unit/**/*.test.ts"], isolate: false } },
      { test: { ...withServers, name: "integration", include: ["test/integration/**/*.test.ts"] } },
      { test: { ...withServers, name: "e2e", include: ["test/e2e/**/*.test.ts"] } },
    ],
  },
});
