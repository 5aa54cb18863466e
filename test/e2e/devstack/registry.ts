import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";

/** A package of the test, with the files besides its package.json. */
export interface TestPackage {
  readonly manifest: { readonly name: string; readonly version: string } & Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, { readonly text: string; readonly mode?: number }>>;
}

function pack({ manifest, files }: TestPackage, folder: string): Buffer {
  const source = join(folder, manifest.name);
  const all = { ...files, "package.json": { text: JSON.stringify(manifest), mode: undefined } };
  for (const [path, { text, mode }] of Object.entries(all)) {
    const file = join(source, "package", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: mode ?? 0o644 });
  }
  const archive = join(folder, `${manifest.name}.tgz`);
  const { status, stderr } = spawnSync("tar", ["-czf", archive, "-C", source, "package"], { encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`tar: ${stderr}`);
  }
  return readFileSync(archive);
}

/** A registry that serves packages, as npm installs them. */
export interface Registry {
  readonly url: string;
  /** The checksum of a package, as lockfiles have it. */
  integrityOf(name: string): string;
  /** Serves another package under the name of this one, with the checksum of the other. */
  replace(name: string, other: TestPackage): void;
  remove(name: string): void;
  close(): void;
}

/** @param folder for its archives */
export async function startRegistry(packages: readonly TestPackage[], folder: string): Promise<Registry> {
  const archives = new Map(packages.map((one) => [one.manifest.name, { ...one, bytes: pack(one, folder) }]));
  const integrity = (bytes: Buffer) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const server = createServer((request, response) => {
    const [name = "", archive] = (request.url ?? "").slice(1).split("/-/");
    const found = archives.get(name);
    if (found === undefined) {
      response.writeHead(404).end("{}");
    } else if (archive !== undefined) {
      response.end(found.bytes);
    } else {
      const { version } = found.manifest;
      const dist = { tarball: `${url}/${name}/-/${name}.tgz`, integrity: integrity(found.bytes) };
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({
          name,
          "dist-tags": { latest: version },
          versions: { [version]: { ...found.manifest, dist } },
          time: { [version]: new Date().toISOString() },
        }),
      );
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    integrityOf: (name) => integrity(archives.get(name)?.bytes ?? Buffer.alloc(0)),
    replace(name, other) {
      archives.set(name, { ...other, bytes: pack(other, folder) });
    },
    remove(name) {
      archives.delete(name);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
