import { createHash, X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { beforeAll, describe, expect, test } from "vitest";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { DEFAULT_PERMISSIONS } from "../../../src/transport/auth/default-permissions.ts";
import { type Certificate, createAuthority, THIS_MACHINE, useFolder } from "../../support/certificates.ts";
import { failure } from "../../support/failures.ts";
import { insertOrder } from "../../support/orders.ts";
import { startService, useService } from "../../support/service.ts";
import { AUDIENCE, createIssuer, ISSUER, serveKeys } from "./issuer.ts";

const folder = useFolder();
const authority = createAuthority(join(folder, "own"), "the company");
const otherAuthority = createAuthority(join(folder, "other"), "another company");
const { certFile, keyFile } = authority.issue({ subject: "/CN=orders", altNames: THIS_MACHINE });
const TLS = { OMS_TLS_CERT_FILE: certFile, OMS_TLS_KEY_FILE: keyFile, OMS_TLS_CLIENT_CA_FILE: authority.caFile };
const harness = useService({ OMS_AUTH: "mtls", ...TLS });
let order = 0n;

beforeAll(async () => {
  order = await insertOrder(harness.db, Status.CREATED);
});

/** Sends a GET over HTTPS. @returns status and body */
async function get(
  path: string,
  { certificate, token, port }: { certificate?: Certificate; token?: string; port?: number } = {},
): Promise<[number | undefined, string]> {
  const { promise, resolve, reject } = Promise.withResolvers<[number | undefined, string]>();
  request(
    {
      host: "localhost",
      port: port ?? harness.service.httpPort,
      path,
      ca: authority.ca,
      agent: false,
      ...(certificate && { cert: certificate.cert, key: certificate.key }),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    },
    (response) => text(response).then((body) => resolve([response.statusCode, body]), reject),
  )
    .on("error", reject)
    .end();
  return promise;
}

const getOrder = () =>
  `/oms.orderstatus.v1.OrderStatusService/GetOrderStatus?connect=v1&encoding=json&message=${encodeURIComponent(`{"orderId":"${order}"}`)}`;
const report = (status: number) => `/services/orderStatus/updateOrderStatus?orderId=${order}&status=${status}`;

describe("the name in a verified client certificate is the caller", () => {
  test("with the permissions of its role, for RPCs and legacy endpoints", async () => {
    const pay = authority.issue({ subject: "/CN=pay" });
    const tms = authority.issue({ subject: "/", altNames: "DNS:tms" });

    expect(await get(getOrder(), { certificate: tms })).toMatchObject([200, expect.stringContaining("CREATED")]);
    expect((await get(report(1010), { certificate: tms }))[1]).toBe("修改订单状态失败");
    expect((await get(report(1010), { certificate: pay }))[1]).toBe(
      `{"result":1,"orderId":${order},"orderStatus":1010}`,
    );
    const { caller } = await harness.db
      .selectFrom("oms_db.oms_status_history")
      .select("caller")
      .where("order_id", "=", order)
      .executeTakeFirstOrThrow();
    expect(caller).toBe("pay");
  });

  test.each([
    ["none", undefined],
    ["one of another CA", otherAuthority.issue({ subject: "/CN=operator" })],
    ["an expired one", authority.issue({ subject: "/CN=operator", expired: true })],
  ])("%s: everything but /healthz is rejected", async (_, certificate) => {
    const options = certificate === undefined ? {} : { certificate };
    expect(await get(getOrder(), options)).toEqual([
      401,
      '{"code":"unauthenticated","message":"authentication required: present a client certificate"}',
    ]);
    expect((await get("/metrics", options))[0]).toBe(401);
    expect((await get("/healthz", options))[0]).toBe(200);
  });

  test("an invalid caller name is rejected", async () => {
    const tooLong = authority.issue({ subject: "/", altNames: `DNS:${"a".repeat(60)}.example.com` });
    expect((await get(getOrder(), { certificate: tooLong }))[1]).toContain("1 to 64 printable ASCII characters");
  });
});

test("a watch ends with the certificate of its caller, and no call is accepted after it", async () => {
  const expiresAt = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 4_000);
  const { cert, key } = authority.issue({ subject: "/CN=wms", expiresAt });
  const transport = createGrpcTransport({
    baseUrl: `https://localhost:${harness.service.grpcPort}`,
    nodeOptions: { ca: authority.ca, cert, key },
  });
  const client = createClient(OrderStatusService, transport);
  const updates = client.watchOrderStatus({ orderIds: [order] })[Symbol.asyncIterator]();
  expect((await updates.next()).value?.update.case).toBe("snapshot");
  const expired = {
    code: "Unauthenticated",
    message: "client certificate expired; connect with a valid one",
    details: {},
  };
  expect(await failure(updates.next())).toEqual(expired);
  expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime());
  // On the same connection, which is closed a second later.
  expect(await failure(client.getOrderStatus({ orderId: order }))).toEqual(expired);
});

test("jwt,mtls: either is accepted, a token takes precedence", async () => {
  const issuer = await createIssuer();
  const keys = await serveKeys(issuer);
  const service = await startService(
    harness.location,
    {},
    {
      OMS_AUTH: "jwt,mtls",
      ...TLS,
      OMS_JWT_KEYS: keys.url,
      OMS_JWT_ISSUER: ISSUER,
      OMS_JWT_AUDIENCE: AUDIENCE,
    },
  );
  try {
    const port = service.httpPort;
    const certificate = authority.issue({ subject: "/CN=unknown" });
    const token = await issuer.token({ roles: ["wms"] });
    expect((await get(getOrder(), { port }))[1]).toContain("a bearer token or a client certificate");
    expect((await get(getOrder(), { port, token }))[0]).toBe(200);
    expect((await get(getOrder(), { port, certificate }))[1]).toContain("unknown (roles: none) lacks permission for");
    expect((await get(getOrder(), { port, token, certificate }))[0]).toBe(200);
  } finally {
    await service.stop();
  }
});

test("jwt,mtls: a token that is bound to a certificate is accepted with that certificate only", async () => {
  const issuer = await createIssuer();
  const keys = await serveKeys(issuer);
  const service = await startService(
    harness.location,
    {},
    { OMS_AUTH: "jwt,mtls", ...TLS, OMS_JWT_KEYS: keys.url, OMS_JWT_ISSUER: ISSUER, OMS_JWT_AUDIENCE: AUDIENCE },
  );
  try {
    const port = service.httpPort;
    const certificate = authority.issue({ subject: "/CN=unknown" });
    const thumbprint = createHash("sha256").update(new X509Certificate(certificate.cert).raw).digest("base64url");
    const token = await issuer.token({ roles: ["wms"], cnf: { "x5t#S256": thumbprint } });
    expect((await get(getOrder(), { port, token, certificate }))[0]).toBe(200);
    for (const other of [{}, { certificate: authority.issue({ subject: "/CN=wms" }) }]) {
      expect(await get(getOrder(), { port, token, ...other })).toMatchObject([
        401,
        expect.stringContaining("token is bound to another client certificate"),
      ]);
    }
  } finally {
    await service.stop();
  }
});

test("certificates have the roles of their entry in the permission table, legacy callers those of theirs", async () => {
  const permissions = join(folder, "permissions.json");
  const { roles } = DEFAULT_PERMISSIONS;
  const table = { roles, certificates: { "warehouse-3": ["wms"] }, legacyCallers: { "old-wms": ["wms"] } };
  writeFileSync(permissions, JSON.stringify(table));
  const tokenSha256 = [createHash("sha256").update("secret").digest("hex")];
  const service = await startService(
    harness.location,
    {},
    {
      OMS_AUTH: "mtls",
      ...TLS,
      OMS_PERMISSIONS_FILE: permissions,
      OMS_LEGACY_CALLERS: JSON.stringify({ "old-wms": { tokenSha256 }, wms: { addresses: ["127.0.0.1"] } }),
    },
  );
  try {
    const port = service.httpPort;
    const path = `/services/orderStatus/getOrderStatus?orderId=${order}`;
    const named = (name: string) => ({ port, certificate: authority.issue({ subject: `/CN=${name}` }) });
    expect((await get(getOrder(), named("warehouse-3")))[0]).toBe(200);
    expect((await get(getOrder(), named("wms")))[1]).toContain(
      "wms (roles: none) lacks permission for OrderStatusService/GetOrderStatus; the permission table has no entry for it in certificates",
    );
    expect((await get(path, { port, token: "secret" }))[1]).toContain('"orderStatus"');
    expect((await get(path, { port }))[1]).toContain(
      "wms (roles: none) lacks permission for OrderStatusService/GetOrderStatus; the permission table has no entry for it in legacyCallers",
    );
  } finally {
    await service.stop();
  }
});
