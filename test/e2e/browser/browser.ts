import { existsSync, readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** Chromium has no sandbox as root; the other flags keep it from contacting external servers. */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const ROOT = join(import.meta.dirname, "..", "..", "..");

/** What the modules of a page import from packages; the browser resolves it by an import map. */
const PACKAGES = [
  "@bufbuild/protobuf",
  "@bufbuild/protobuf/codegenv2",
  "@bufbuild/protobuf/reflect",
  "@bufbuild/protobuf/wire",
  "@bufbuild/protobuf/wkt",
  "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js",
  "@connectrpc/connect",
  "@connectrpc/connect-web",
  "@connectrpc/connect/protocol",
  "@connectrpc/connect/protocol-connect",
  "@connectrpc/connect/protocol-grpc-web",
];

const importMap = () =>
  JSON.stringify({
    imports: Object.fromEntries(
      PACKAGES.map((name) => [name, `/${relative(ROOT, fileURLToPath(import.meta.resolve(name)))}`]),
    ),
  });

/** A browser, and the server of a shop whose pages it opens. */
export interface Shop {
  readonly origin: string;
  /** Opens an empty page of the shop. */
  openPage(): Promise<Page>;
}

/** Starts Chromium and the shop for the tests of a file. */
export function useShop(): Shop {
  const server = createServer((request, response) => serve(request.url ?? "", response));
  let browser: Browser | undefined;
  let origin = "";
  beforeAll(async () => {
    if (CHROMIUM === undefined) {
      throw new Error("Chromium is not installed: apt-get install chromium");
    }
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser?.close();
    server.close();
  });
  return {
    get origin() {
      return origin;
    },
    async openPage() {
      const page = await (browser as Browser).newPage();
      await page.goto(origin);
      return page;
    },
  };
}

/** A page with nothing on it, and the sources of this project and its packages as modules. */
function serve(path: string, response: ServerResponse): void {
  if (path === "/") {
    const html = `<!doctype html><title>shop</title><script type="importmap">${importMap()}</script>`;
    response.writeHead(200, { "content-type": "text/html" }).end(html);
    return;
  }
  const file = join(ROOT, path);
  if (!/^\/(gen|node_modules|test)\/.*\.(js|ts)$/.test(path) || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  const text = readFileSync(file, "utf8");
  response
    .writeHead(200, { "content-type": "text/javascript" })
    .end(file.endsWith(".ts") ? stripTypeScriptTypes(text) : text);
}
