import { defineConfig } from "vitest/config";

/** Separate from the other tests because it needs a browser: `npm run test:browser`. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../../..`,
    include: ["test/e2e/browser/*.page.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
