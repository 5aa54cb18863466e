import { defineConfig } from "vitest/config";

/** Separate from the other tests because it needs Go, Java and Maven: `npm run test:clients`. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../..`,
    include: ["test/clients/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts", "test/clients/setup.ts"],
    pool: "forks",
    // The clients share the machine with the service: one file at a time.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
