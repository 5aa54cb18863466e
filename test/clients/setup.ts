import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { writeWsdls } from "./cxf-stubs.ts";
import { writeExamples } from "./documents.ts";
import { ROOT, requireToolchains, run, STEPS } from "./toolchain.ts";

/** Builds everything before the first test: minutes where packages are downloaded first. */
export async function setup(project: TestProject): Promise<void> {
  const print = (line: string) => project.vitest.logger.log(line);
  requireToolchains();
  await run(process.execPath, [join(ROOT, "scripts", "print-validate-proto.ts")]);
  print(`${writeExamples()} examples of the documents`);
  writeWsdls();
  for (const step of STEPS) {
    const startedAt = performance.now();
    await step.run();
    print(`${step.name}: ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
  }
}
