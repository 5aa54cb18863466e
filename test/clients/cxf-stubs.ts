import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll } from "vitest";
import { LEGACY_METHODS, LEGACY_SERVICES, type LegacyService } from "../../src/transport/legacy/methods.ts";
import { createWsdl } from "../../src/transport/legacy/soap/wsdl.ts";
import { stringifyLosslessJson } from "../../src/transport/wire/lossless-json.ts";
import { NAMESPACE } from "../integration/legacy/envelopes.ts";
import type { LegacyRequest } from "../integration/legacy/sample-calls.ts";
import type { ClientResult, SoapClient } from "../integration/legacy/soap-clients.ts";
import { update } from "./documents.ts";
import { CXF_PROJECT } from "./toolchain.ts";

/** Stubs of Apache CXF: from this service's WSDL, and from the two of the legacy service. */
const STUBS = ["orderstatus", "jaxws", "xfire"] as const;

type Stubs = (typeof STUBS)[number];

/** The service's WSDL for clients that reach it at an origin. */
export function wsdlAt(origin: string, service: LegacyService): string {
  const methods = LEGACY_METHODS.filter((method) => method.service === service);
  return createWsdl({ service, methods, namespace: NAMESPACE })(`${origin}/services/${service}`);
}

/** Writes the WSDLs from which stubs are generated; CXF adds those of the legacy service. */
export function writeWsdls(): void {
  const folder = join(CXF_PROJECT, "wsdl");
  mkdirSync(folder, { recursive: true });
  for (const service of LEGACY_SERVICES) {
    update(join(folder, `${service}.wsdl`), wsdlAt("http://localhost:8080", service));
  }
}

/** A process with the stubs, which keeps its connections. */
interface CxfProcess {
  call(stubs: Stubs, version: "1.1" | "1.2", url: string, request: LegacyRequest): Promise<ClientResult>;
  close(): Promise<void>;
}

function startCxf(): CxfProcess {
  const target = join(CXF_PROJECT, "client", "target");
  const packages = readFileSync(join(target, "classpath"), "utf8").trim();
  const child = spawn("java", ["-cp", `${join(target, "classes")}:${packages}`, "oms.cxf.CallAll"]);
  const ended = once(child, "close");
  const errors = text(child.stderr);
  // The output ends as well, and its reader reports the error.
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async call(stubs, version, url, request) {
      child.stdin.write(`${stringifyLosslessJson({ stubs, version, url, ...request })}\n`);
      const { value, done } = await lines.next();
      if (done) {
        throw new Error(`the client ended: ${await errors}`);
      }
      return JSON.parse(value);
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Clients of Apache CXF for the tests of the calling file, in one process. */
export function useCxf(): (stubs: Stubs, version?: "1.1" | "1.2") => SoapClient {
  let cxf: CxfProcess | undefined;
  beforeAll(() => {
    cxf = startCxf();
  });
  afterAll(() => cxf?.close());
  return (stubs, version = "1.1") => ({
    callerFault: version === "1.1" ? "Client" : "Sender",
    async run(origin, calls) {
      const results: ClientResult[] = [];
      for (const call of calls) {
        results.push(await (cxf as CxfProcess).call(stubs, version, origin, call));
      }
      return { results };
    },
  });
}
