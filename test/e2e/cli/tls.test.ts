import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { createAuthority, THIS_MACHINE, useFolder } from "../../support/certificates.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";
import { oms } from "./oms.ts";

const folder = useFolder();
const authority = createAuthority(join(folder, "ours"), "the company");
const otherAuthority = createAuthority(join(folder, "other"), "another company");
const { certFile, keyFile } = authority.issue({ subject: "/CN=orders", altNames: THIS_MACHINE });
const mine = authority.issue({ subject: "/CN=operator" });
const served = useService({
  OMS_TLS_CERT_FILE: certFile,
  OMS_TLS_KEY_FILE: keyFile,
  OMS_TLS_CLIENT_CA_FILE: authority.caFile,
  OMS_AUTH: "mtls",
});

let orderId = 0n;
let explain: readonly string[] = [];
let server = "";

beforeAll(async () => {
  orderId = await insertOrder(served.db, Status.CREATED);
  explain = ["order", "explain", String(orderId)];
  server = `localhost:${served.service.grpcPort}`;
});

describe("a service with TLS and client certificates", () => {
  test("accepts a certificate from options", async () => {
    const certificate = ["--client-cert", mine.certFile, "--client-key", mine.keyFile];
    const { code, stdout } = await oms([...explain, "--tls-ca", authority.caFile, ...certificate], { server });
    expect([code, stdout]).toEqual([0, expect.stringContaining("CREATED")]);
  });

  test("accepts a certificate from variables", async () => {
    const env = {
      OMS_SERVER_CA_FILE: authority.caFile,
      OMS_CLIENT_CERT_FILE: mine.certFile,
      OMS_CLIENT_KEY_FILE: mine.keyFile,
    };
    const { code, stdout } = await oms(explain, { server, env });
    expect([code, stdout]).toEqual([0, expect.stringContaining("CREATED")]);
  });

  test.each([
    ["another CA", ["--tls-ca", otherAuthority.caFile], /certificate/],
    ["no TLS", [], /--tls-ca FILE/],
  ])("with %s is unreachable", async (_, args, words) => {
    const { code, stderr } = await oms([...explain, ...args], { server });
    expect([code, stderr]).toEqual([3, expect.stringMatching(words)]);
  });

  test("without a certificate the error names the options", async () => {
    const { code, stderr } = await oms([...explain, "--tls-ca", authority.caFile], { server });
    expect([code, stderr]).toEqual([1, expect.stringContaining("present a client certificate")]);
    expect(stderr).toContain("--client-cert and --client-key");
  });

  test.each([
    ["a missing file", ["--tls-ca", "nowhere.pem"], "ENOENT"],
    ["a certificate without its key", ["--tls-ca", authority.caFile, "--client-cert", mine.certFile], "--client-key"],
    [
      "a key of another certificate",
      ["--tls-ca", authority.caFile, "--client-cert", mine.certFile, "--client-key", keyFile],
      "mismatch",
    ],
  ])("%s is a usage error", async (_, args, words) => {
    const { code, stderr } = await oms([...explain, ...args], { server });
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  });
});
