/** The conformance suite of Connect, against both ports. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { type Port, serveConformance } from "./conformance/server.ts";
import { CONFORMANCE_IMAGE, outputOf } from "./toolchain.ts";

/** What both ports support. The contract has no RPC whose client sends a stream. */
const COMMON_FEATURES = {
  codecs: ["CODEC_PROTO", "CODEC_JSON"],
  streamTypes: ["STREAM_TYPE_UNARY", "STREAM_TYPE_SERVER_STREAM"],
  supportsH2c: true,
  supportsTls: true,
  supportsTlsClientCerts: true,
  supportsTrailers: true,
  supportsMessageReceiveLimit: true,
};

interface Suite {
  readonly features: object;
  /** The least number of cases: fewer mean that the features were not understood. */
  readonly cases: number;
  /** Cases that fail, with the reason. The suite reports one that passes as a failure. */
  readonly knownFailures: Readonly<Record<string, string>>;
}

const INVALID_ARGUMENT = "the error is INVALID_ARGUMENT: INTERNAL is for faults of the server";

const EXPLAINED = "the response explains the error, with a code of its own; the suite expects the status alone";

const LINE_BREAKS = "the request has a text with line breaks: control characters are rejected";

const SUITES: Readonly<Record<Port, Suite>> = {
  grpc: {
    features: {
      ...COMMON_FEATURES,
      versions: ["HTTP_VERSION_2"],
      protocols: ["PROTOCOL_GRPC"],
      compressions: ["COMPRESSION_IDENTITY", "COMPRESSION_GZIP"],
    },
    cases: 500,
    knownFailures: {
      "Errors/**/unicode-error-message": LINE_BREAKS,
      "gRPC Unexpected Requests/**/unexpected-compressed-message":
        "grpc-js ignores the flag of a compressed message where the encoding is identity",
    },
  },
  http: {
    features: {
      ...COMMON_FEATURES,
      versions: ["HTTP_VERSION_1", "HTTP_VERSION_2"],
      protocols: ["PROTOCOL_CONNECT", "PROTOCOL_GRPC_WEB"],
      compressions: ["COMPRESSION_IDENTITY", "COMPRESSION_GZIP", "COMPRESSION_BR"],
      supportsConnectGet: true,
    },
    cases: 3_000,
    knownFailures: {
      "Errors/**/unicode-error-message": LINE_BREAKS,
      "Connect Unexpected Requests/**/unexpected-compressed-message": INVALID_ARGUMENT,
      "gRPC-Web Unexpected Requests/**/unexpected-compressed-message": INVALID_ARGUMENT,
      "Connect Unexpected Requests/**/unexpected-verb": EXPLAINED,
      "Connect Unexpected Requests/**/unexpected-codec": EXPLAINED,
      "Unexpected Requests/**/unexpected-content-type": EXPLAINED,
    },
  },
};

test.each(["grpc", "http"] as const)(
  "at the %s port",
  async (port) => {
    const { features, cases, knownFailures } = SUITES[port];
    const servers = await serveConformance(port, CONFORMANCE_IMAGE);
    onTestFinished(() => servers.close());
    const folder = mkdtempSync(join(inject("folder"), "conformance-"));
    const write = (name: string, text: string) => {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    };
    // JSON is YAML as well.
    const config = write("config.yaml", JSON.stringify({ features }));
    const known = write("known-failing.txt", Object.keys(knownFailures).join("\n"));
    const output = await outputOf(
      "connectconformance",
      ...["--mode", "server", "--conf", config, "--known-failing", `@${known}`],
      // The servers are in one process.
      ...["--max-servers", "2", "--", process.execPath],
      ...[join(import.meta.dirname, "conformance", "relay.ts"), String(servers.port)],
    );
    expect(failuresOf(output)).toEqual([]);
    const [, total = "0"] = /^Total cases: (\d+)$/m.exec(output) ?? [];
    expect(Number(total), output.slice(-2_000)).toBeGreaterThan(cases);
    expect(output).toMatch(/^\d+ passed, 0 failed/m);
  },
  300_000,
);

/** The failed cases, each with its reasons. */
function failuresOf(output: string): string[] {
  return output.match(/^FAILED: .*(?:\n[ \t].*)*/gm) ?? [];
}
