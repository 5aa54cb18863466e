import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { type Certificate, createAuthority, THIS_MACHINE, useFolder } from "../../support/certificates.ts";
import { insertOrder } from "../../support/orders.ts";
import { startService, useService } from "../../support/service.ts";
import { AUDIENCE, createIssuer, ISSUER, serveKeys } from "./issuer.ts";

const folder = useFolder();
const authority = createAuthority(join(folder, "ours"), "the company");
const stranger = createAuthority(join(folder, "strangers"), "somebody else");
const { certFile, keyFile } = authority.issue({ subject: "/CN=orders", altNames: THIS_MACHINE });
const TLS = { OMS_TLS_CERT_FILE: certFile, OMS_TLS_KEY_FILE: keyFile, OMS_TLS_CLIENT_CA_FILE: authority.caFile };
const harness = useService({ OMS_AUTH: "mtls", ...TLS });
let order = 0n;

beforeAll(async () => {
  order = await insertOrder(harness.db, Status.CREATED);
});

/** Asks over HTTPS with or without a certificate. */
async function ask(
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

describe("a verified certificate's name is the caller's", () => {
  test("with the rights of its role, at the RPCs and the old addresses", async () => {
    const pay = authority.issue({ subject: "/CN=pay" });
    const tms = authority.issue({ subject: "/", altNames: "DNS:tms" });

    expect(await ask(getOrder(), { certificate: tms })).toMatchObject([200, expect.stringContaining("CREATED")]);
    expect((await ask(report(1010), { certificate: tms }))[1]).toContain("tms may not report PAID (1010)");
    expect((await ask(report(1010), { certificate: pay }))[1]).toBe(
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
    ["one that another signed", stranger.issue({ subject: "/CN=operator" })],
    ["one that is over", authority.issue({ subject: "/CN=operator", expired: true })],
  ])("%s proves nothing: nobody gets in, but for who asks whether the service lives", async (_, certificate) => {
    const shown = certificate === undefined ? {} : { certificate };
    expect(await ask(getOrder(), shown)).toEqual([
      401,
      '{"code":"unauthenticated","message":"authentication required: present a client certificate"}',
    ]);
    expect((await ask("/metrics", shown))[0]).toBe(401);
    expect((await ask("/healthz", shown))[0]).toBe(200);
  });

  test("one that cannot be a caller's name is refused", async () => {
    const odd = authority.issue({ subject: "/", altNames: `DNS:${"a".repeat(60)}.example.com` });
    expect((await ask(getOrder(), { certificate: odd }))[1]).toContain("1 to 64 printable ASCII characters");
  });
});

test("jwt,mtls: either will do, and a token goes first", async () => {
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
    const certificate = authority.issue({ subject: "/CN=nobody" });
    const token = await issuer.token({ sub: "wms" });
    expect((await ask(getOrder(), { port }))[1]).toContain("a bearer token or a client certificate");
    expect((await ask(getOrder(), { port, token }))[0]).toBe(200);
    expect((await ask(getOrder(), { port, certificate }))[1]).toContain("role nobody lacks permission for");
    expect((await ask(getOrder(), { port, token, certificate }))[0]).toBe(200);
  } finally {
    await service.stop();
  }
});
