import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { create, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { withTimeout } from "../../../src/lib/async.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import type { Call } from "../../../src/transport/call.ts";
import type { Peer } from "../../../src/transport/connections/peer.ts";
import { openPortTls, type PortTls, type TlsFiles } from "../../../src/transport/connections/tls.ts";
import { createGrpcServer } from "../../../src/transport/grpc/server.ts";
import { createHttpServer } from "../../../src/transport/http/server.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../../../src/transport/limits.ts";
import { type Certificate, createAuthority, THIS_MACHINE, useFolder } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import { failureOf } from "../../support/failures.ts";
import { insertOrder } from "../../support/orders.ts";
import { startService, useService } from "../../support/service.ts";
import { startWatcher } from "../../support/watcher.ts";

const run = promisify(execFile);
const folder = useFolder();
const authority = createAuthority(join(folder, "own"), "the company");
const otherAuthority = createAuthority(join(folder, "other"), "another company");
const certificate = authority.issue({ subject: "/CN=orders", altNames: THIS_MACHINE });
const TLS = { OMS_TLS_CERT_FILE: certificate.certFile, OMS_TLS_KEY_FILE: certificate.keyFile };
/** Shutdown budget, in milliseconds: far beyond what a shutdown without open calls takes. */
const DRAIN_MS = 20_000;

const SERVICE = "oms.orderstatus.v1.OrderStatusService";
const BUF = join(import.meta.dirname, "../../../node_modules/.bin/buf");

describe("a service with a certificate", () => {
  const harness = useService(TLS);
  const https = (path: string) => `https://localhost:${harness.service.httpPort}${path}`;
  let orderId = 0n;

  beforeAll(async () => {
    orderId = await insertOrder(harness.db, Status.CREATED);
  });

  test.each(tlsTransports())("%s", async (_, transportTo) => {
    const { transport, close } = transportTo(harness.service, { ca: authority.ca });
    onTestFinished(close);
    const client = createClient(OrderStatusService, transport);
    expect((await client.getOrderStatus({ orderId })).orderStatus).toBe(Status.CREATED);
    const watcher = startWatcher(client, { orderIds: [orderId] });
    await watcher.expectUpdates([`${orderId} at 0: 1000`]);
  });

  test.each(tlsTransports())("%s rejects a server with a certificate of another CA", async (_, transportTo) => {
    const { transport, close } = transportTo(harness.service, { ca: otherAuthority.ca });
    onTestFinished(close);
    const failed = await createClient(OrderStatusService, transport)
      .getOrderStatus({ orderId }, { timeoutMs: 20_000 })
      .catch((error: unknown) => ConnectError.from(error));
    expect(String(failed)).toMatch(/unable to verify|self-signed|signature/);
  });

  test.each([
    ["HTTP/1.1", "--http1.1", "1.1"],
    ["HTTP/2", "--http2", "2"],
  ])("curl over %s: pages, JSON and legacy endpoints", async (_, flag, version) => {
    const curl = async (...args: string[]) => {
      const { stdout } = await run("curl", [
        "-sS",
        flag,
        "--cacert",
        authority.caFile,
        "-w",
        "\n%{http_version}",
        ...args,
      ]);
      return stdout.split("\n").filter((line) => line !== "");
    };
    expect(await curl(https("/healthz"))).toEqual(['{"status":"alive"}', version]);
    const json = ["-H", "content-type: application/json", "-d", `{"orderId": "${orderId}"}`];
    expect((await curl(...json, https(`/${SERVICE}/GetOrderStatus`)))[0]).toContain("ORDER_STATUS_CREATED");
    expect((await curl(https(`/services/orderStatus/getOrderStatus?orderId=${orderId}`)))[0]).toContain("1000");
  });

  test.each(["--http1.1", "--http2"])("curl %s: HSTS on every response", async (flag) => {
    for (const path of ["/healthz", "/nowhere", "/services", `/${SERVICE}/GetOrderStatus`]) {
      const { stdout } = await run("curl", ["-sSi", flag, "--cacert", authority.caFile, https(path)]);
      expect(stdout.toLowerCase()).toContain("strict-transport-security: max-age=31536000\r\n");
    }
  });

  test.each([
    ["grpc", () => harness.service.grpcPort],
    ["grpcweb", () => harness.service.httpPort],
    ["connect", () => harness.service.httpPort],
  ])("buf curl by %s, with reflection", async (protocol, port) => {
    const { stdout } = await run(
      BUF,
      [
        ...["curl", "--cacert", authority.caFile, "--protocol", protocol, "-d", `{"orderId": "${orderId}"}`],
        `https://localhost:${port()}/${SERVICE}/GetOrderStatus`,
      ],
      { cwd: "/" },
    );
    expect(stdout).toContain("ORDER_STATUS_CREATED");
  });

  test("plaintext gets no response on either port", async () => {
    for (const port of [harness.service.httpPort, harness.service.grpcPort]) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.end("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
      const response = await text(socket).catch(() => "");
      expect(response).not.toContain("HTTP/1.1");
      expect(response).not.toContain("alive");
    }
    const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${harness.service.grpcPort}` });
    const call = createClient(OrderStatusService, transport).getOrderStatus({ orderId }, { timeoutMs: 3_000 });
    expect([Code.Unavailable, Code.DeadlineExceeded, Code.Canceled]).toContain(
      ConnectError.from(await call.catch((e) => e)).code,
    );
    await eventually(() =>
      expect(harness.service.log).toContainEqual(
        expect.objectContaining({ level: "debug", msg: "TLS handshake failed", reason: "ERR_SSL_HTTP_REQUEST" }),
      ),
    );
  });

  test("TLS 1.1 is rejected, 1.2 and 1.3 are accepted", async () => {
    const versionOf = async (maxVersion: "TLSv1.1" | "TLSv1.2" | "TLSv1.3") => {
      // OpenSSL's default security level would not offer 1.1.
      const options = { maxVersion, minVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;
      const socket = await open(harness.service.httpPort, { ca: authority.ca, ...options });
      return socket.getProtocol();
    };
    expect(await versionOf("TLSv1.2")).toBe("TLSv1.2");
    expect(await versionOf("TLSv1.3")).toBe("TLSv1.3");
    await expect(versionOf("TLSv1.1")).rejects.toThrow(/protocol version|unsupported protocol/);
  });

  test.each(tlsTransports())(
    "%s: a server that shuts down ends its streams, and does not wait for idle connections",
    async (_, transportTo) => {
      const stopping = await startService(harness.location, {}, { ...TLS, OMS_DRAIN_MS: String(DRAIN_MS) });
      onTestFinished(() => stopping.stop());
      const { transport, close } = transportTo(stopping, { ca: authority.ca });
      onTestFinished(close);
      const client = createClient(OrderStatusService, transport);
      const watcher = startWatcher(client, { orderIds: [orderId] });
      await watcher.expectUpdates([`${orderId} at 0: 1000`]);
      const startedAt = performance.now();
      await stopping.stop();
      expect(failureOf(await watcher.ended)).toMatchObject({
        code: "Unavailable",
        message: "server is shutting down; retry",
      });
      expect(performance.now() - startedAt).toBeLessThan(DRAIN_MS / 2);
    },
  );

  test("interrupted handshakes and garbage do not affect others", async () => {
    for (const port of [harness.service.httpPort, harness.service.grpcPort]) {
      for (const bytes of [Buffer.alloc(0), Buffer.from([0x16, 3, 1, 2, 0, 1]), Buffer.alloc(70_000, 0x16)]) {
        const socket = connect(port, "127.0.0.1");
        socket.on("error", () => {});
        await once(socket, "connect");
        socket.end(bytes);
        socket.resume();
        await closed(socket);
      }
    }
    expect(await statusOf(https("/healthz"))).toBe(200);
  });
});

test("a stalled handshake is closed", async () => {
  const ports = await startServers({});
  const silent = connect(ports.grpcPort, "127.0.0.1");
  const slow = connect(ports.httpPort, "127.0.0.1");
  slow.write(Buffer.from([0x16, 3, 1, 2]));
  const startedAt = performance.now();
  await Promise.all([closed(silent), closed(slow)]);
  expect(performance.now() - startedAt).toBeGreaterThan(HANDSHAKE_TIMEOUT_MS - 500);
  await eventually(() =>
    expect(ports.log.filter(({ reason }) => reason === "ERR_TLS_HANDSHAKE_TIMEOUT")).toHaveLength(2),
  );
});

describe("the name in a client certificate", () => {
  const wms = authority.issue({ subject: "/CN=wms" });
  const spiffe = authority.issue({ subject: "/", altNames: "email:a@example.com,URI:spiffe://oms/tms,DNS:tms" });
  const forged = otherAuthority.issue({ subject: "/CN=wms" });
  const expired = authority.issue({ subject: "/CN=wms", expired: true });

  describe.each(tlsTransports())("%s", (_, transportTo) => {
    const peerSeen = async (ports: Ports, key?: Certificate) => {
      const { transport, close } = transportTo(ports, { ca: authority.ca, ...key });
      onTestFinished(close);
      await createClient(OrderStatusService, transport).listShipmentTypes({}, { timeoutMs: 20_000 });
      return ports.peers.at(-1);
    };

    test("is taken from a verified certificate", async () => {
      const ports = await startServers({ clientCaFile: authority.caFile, requireClientCertificate: true });
      expect(await peerSeen(ports, wms)).toMatchObject({ address: "127.0.0.1", certificate: { name: "wms" } });
      expect(await peerSeen(ports, spiffe)).toMatchObject({ certificate: { name: "spiffe://oms/tms" } });
    });

    test("if required: connections without a valid certificate are rejected", async () => {
      const ports = await startServers({ clientCaFile: authority.caFile, requireClientCertificate: true });
      for (const key of [undefined, forged, expired]) {
        await expect(peerSeen(ports, key)).rejects.toThrow();
      }
      expect(ports.peers).toEqual([]);
      await eventually(() =>
        expect(ports.log.map(({ reason }) => reason)).toEqual(
          expect.arrayContaining([
            "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "CERT_HAS_EXPIRED",
          ]),
        ),
      );
    });

    test("if optional: connections without a valid certificate have no name", async () => {
      const ports = await startServers({ clientCaFile: authority.caFile, requireClientCertificate: false });
      for (const key of [undefined, forged, expired]) {
        expect(await peerSeen(ports, key)).toMatchObject({ address: "127.0.0.1", certificate: undefined });
      }
      expect(await peerSeen(ports, wms)).toMatchObject({ certificate: { name: "wms" } });
    });

    test("if not requested: no connection has a name", async () => {
      expect(await peerSeen(await startServers({}), wms)).toMatchObject({ encrypted: true, certificate: undefined });
    });
  });
});

describe("a client certificate counts until it expires or is revoked", () => {
  test.each(["TLSv1.2", "TLSv1.3"] as const)("%s: sessions are not resumed", async (version) => {
    const ports = await startServers({ clientCaFile: authority.caFile });
    const { cert, key } = authority.issue({ subject: "/CN=wms" });
    const options = { ca: authority.ca, cert, key, minVersion: version, maxVersion: version };
    for (const [port, protocol] of [
      [ports.grpcPort, "h2"],
      [ports.httpPort, "http/1.1"],
    ] as const) {
      const first = await open(port, { ...options, ALPNProtocols: [protocol] });
      const session = version === "TLSv1.2" ? first.getSession() : await sessionOf(first);
      const second = await open(port, { ...options, ALPNProtocols: [protocol], ...(session && { session }) });
      expect(second.isSessionReused()).toBe(false);
    }
  });

  describe.each(tlsTransports())("%s", (_, transportTo) => {
    const clientOf = (ports: Ports, key: Certificate) => {
      const { transport, close } = transportTo(ports, { ca: authority.ca, ...key });
      onTestFinished(close);
      const client = createClient(OrderStatusService, transport);
      return async () => {
        await client.listShipmentTypes({}, { timeoutMs: 20_000 });
        return ports.peers.at(-1)?.certificate?.name;
      };
    };

    test("a connection ends with its certificate", async () => {
      const ports = await startServers({ clientCaFile: authority.caFile });
      const expiresAt = new Date(Date.now() + 5_000);
      const call = clientOf(ports, authority.issue({ subject: "/CN=wms", expiresAt }));
      expect(await call()).toBe("wms");
      await eventually(async () => expect(await call().catch(call)).toBeUndefined());
      expect(ports.log).toContainEqual(
        expect.objectContaining({ level: "warn", msg: "client certificate not accepted", reason: "CERT_HAS_EXPIRED" }),
      );
    });

    test("none is accepted once a revocation list has expired; the log and the expiry report it", async () => {
      const crlFile = join(folder, `${crypto.randomUUID()}.crl`);
      const soon = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 3_600_000);
      const past = new Date(Math.floor(Date.now() / 1_000) * 1_000 - 60_000);
      writeFileSync(crlFile, `${otherAuthority.revocationList()}${authority.revocationList(soon)}`);
      const ports = await startServers({ clientCaFile: authority.caFile, clientCrlFile: crlFile });
      expect(await clientOf(ports, authority.issue({ subject: "/CN=early" }))()).toBe("early");
      expect(ports.tls.revocationsValidUntil()).toEqual(soon);

      writeFileSync(crlFile, `${otherAuthority.revocationList()}${authority.revocationList(past)}`);
      await eventually(() => expect(ports.tls.revocationsValidUntil()).toEqual(past));
      expect(ports.log).toContainEqual(
        expect.objectContaining({
          level: "warn",
          msg: "revocation list has expired; client certificates of its CA are rejected",
          validTo: past.toISOString(),
        }),
      );
      // Another certificate, as open connections continue.
      expect(await clientOf(ports, authority.issue({ subject: "/CN=late" }))()).toBeUndefined();
      expect(ports.log).toContainEqual(
        expect.objectContaining({ msg: "client certificate not accepted", reason: "CRL_HAS_EXPIRED" }),
      );
    });

    test("a revoked one is not accepted, on open connections neither; calls of others do not fail", async () => {
      const crlFile = join(folder, `${crypto.randomUUID()}.crl`);
      const inTwoDays = new Date(Date.now() + 2 * 86_400_000);
      const revoked = authority.issue({ subject: "/CN=revoked", expiresAt: inTwoDays });
      writeFileSync(crlFile, `${otherAuthority.revocationList()}${authority.revocationList()}`);
      const ports = await startServers({ clientCaFile: authority.caFile, clientCrlFile: crlFile });
      const valid = clientOf(ports, authority.issue({ subject: "/CN=valid" }));
      const call = clientOf(ports, revoked);
      expect(await call()).toBe("revoked");
      let ended = false;
      const calls = (async () => {
        const names = new Set<string | undefined>();
        while (!ended) {
          await valid();
          await setTimeout(5);
          names.add(ports.peers.findLast(({ certificate }) => certificate?.name !== "revoked")?.certificate?.name);
        }
        return names;
      })();

      authority.revoke(revoked);
      writeFileSync(crlFile, `${otherAuthority.revocationList()}${authority.revocationList()}`);
      await eventually(() =>
        expect(ports.log).toContainEqual(
          expect.objectContaining({ msg: "client certificate no longer accepted; connection closed" }),
        ),
      );
      await setTimeout(100);
      ended = true;
      expect([...(await calls)]).toEqual(["valid"]);
      expect(await call().catch(call)).toBeUndefined();
      expect(await valid()).toBe("valid");
      expect(ports.log).toContainEqual(
        expect.objectContaining({ msg: "client certificate not accepted", reason: "CERT_REVOKED" }),
      );
    });
  });
});

describe("changed files", () => {
  const next = authority.issue({ subject: "/CN=next", altNames: THIS_MACHINE });
  const servedName = async (port: number) => {
    const socket = await open(port, { ca: authority.ca, ALPNProtocols: ["h2"] });
    return socket.getPeerCertificate().subject.CN;
  };

  test("under load: new connections get the new certificate, and no call on open ones fails", async () => {
    const files = copyFiles(certificate);
    const ports = await startServers(files);
    const calls = tlsTransports().map(([, transportTo]) => {
      const { transport, close } = transportTo(ports, { ca: authority.ca });
      onTestFinished(close);
      const client = createClient(OrderStatusService, transport);
      let ended = false;
      let answers = 0;
      const running = (async () => {
        for (; !ended; answers += 1) {
          await client.listShipmentTypes({});
        }
      })();
      return {
        answers: () => answers,
        stop: () => {
          ended = true;
          return running;
        },
      };
    });
    const session = connectHttp2(`https://localhost:${ports.httpPort}`, { ca: authority.ca });
    onTestFinished(() => session.close());
    await once(session, "connect");

    copyFileSync(next.certFile, files.certFile);
    copyFileSync(next.keyFile, files.keyFile);
    await eventually(async () => expect(await servedName(ports.grpcPort)).toBe("next"));
    expect(await servedName(ports.httpPort)).toBe("next");

    const stream = session.request({ ":path": "/healthz" });
    expect(await text(stream)).toContain("alive");
    expect((session.socket as TLSSocket).getPeerCertificate().subject.CN).toBe("orders");
    for (const { answers, stop } of calls) {
      const before = answers();
      await eventually(() => expect(answers()).toBeGreaterThan(before + 10));
      await stop();
    }
  });

  test("unusable files are logged and ignored until corrected", async () => {
    const files = copyFiles(certificate);
    const ports = await startServers(files);
    const logged = (reason: RegExp) =>
      eventually(() =>
        expect(ports.log).toContainEqual(
          expect.objectContaining({ level: "error", reason: expect.stringMatching(reason) }),
        ),
      );
    copyFileSync(next.certFile, files.certFile);
    await logged(/key values mismatch/);
    writeFileSync(files.certFile, next.cert.slice(0, 200));
    await logged(/bad end line|PEM|no start line/i);
    expect(await servedName(ports.grpcPort)).toBe("orders");
    expect(await servedName(ports.httpPort)).toBe("orders");
    copyFileSync(next.keyFile, files.keyFile);
    copyFileSync(next.certFile, files.certFile);
    await eventually(async () => expect(await servedName(ports.grpcPort)).toBe("next"));
  });

  test("a new client CA replaces the previous one", async () => {
    const files = copyFiles(certificate, authority.caFile);
    const ports = await startServers({ ...files, requireClientCertificate: true });
    const previous = authority.issue({ subject: "/CN=wms" });
    const next = otherAuthority.issue({ subject: "/CN=wms" });
    const connects = (key: Certificate) => statusOf(`https://localhost:${ports.httpPort}/healthz`, key);
    expect(await connects(previous)).toBe(200);
    writeFileSync(files.clientCaFile as string, "no certificate");
    await eventually(() => expect(ports.log).toContainEqual(expect.objectContaining({ level: "error" })));
    expect(await connects(previous)).toBe(200);
    copyFileSync(otherAuthority.caFile, files.clientCaFile as string);
    await eventually(async () => expect(await connects(next)).toBe(200));
    await expect(connects(previous)).rejects.toThrow();
  });

  test("another client CA: open connections under the previous one are closed, unless both are trusted", async () => {
    const files = copyFiles(certificate, authority.caFile);
    const ports = await startServers(files);
    const { cert, key } = authority.issue({ subject: "/CN=wms" });
    const sockets = [
      await open(ports.grpcPort, { ca: authority.ca, cert, key, ALPNProtocols: ["h2"] }),
      await open(ports.httpPort, { ca: authority.ca, cert, key, ALPNProtocols: ["http/1.1"] }),
    ];
    const withoutCertificate = await open(ports.httpPort, { ca: authority.ca });
    const loads = () => ports.log.filter(({ msg }) => msg === "server certificate loaded").length;
    writeFileSync(files.clientCaFile as string, `${otherAuthority.ca}${authority.ca}`);
    await eventually(() => expect(loads()).toBe(2));
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false]);
    const ended = sockets.map((socket) => closed(socket.resume()));
    writeFileSync(files.clientCaFile as string, otherAuthority.ca);
    await Promise.all(ended);
    expect(withoutCertificate.destroyed).toBe(false);
  });
});

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on("error", () => {});
    socket.once("close", () => resolve());
  });
}

interface Ports {
  readonly tls: PortTls;
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Peers of the calls so far. */
  readonly peers: readonly Peer[];
  readonly log: readonly Record<string, unknown>[];
}

/** Both servers with one RPC that records its peer. */
async function startServers(files: Partial<TlsFiles>): Promise<Ports> {
  const log: Record<string, unknown>[] = [];
  const logger = createLogger("debug", { write: (line: string) => void log.push(JSON.parse(line)) });
  const tls = openPortTls(
    {
      certFile: certificate.certFile,
      keyFile: certificate.keyFile,
      clientCaFile: undefined,
      requireClientCertificate: false,
      ...files,
    },
    logger,
  );
  const peers: Peer[] = [];
  const method = OrderStatusService.method.listShipmentTypes;
  const handle = async (_: Message, { peer }: Call): Promise<Message> => {
    peers.push(peer);
    return create(method.output);
  };
  const routes = [
    {
      rpc: { method, streaming: false, hasSideEffects: false, maxRequestBytes: 1_024 },
      admit() {},
      authenticate() {},
      handle,
    },
  ];
  const grpcServer = createGrpcServer({
    routes,
    reflection: [],
    loadShedding: { hasCapacity: () => true, onRejected() {} },
    tls,
  });
  const httpServer = createHttpServer({
    routes,
    reflection: [],
    corsOrigins: [],
    ready: async () => ({ ready: true, draining: false, database: "ok", broker: "ok", redis: "ok" }),
    log: logger,
    metrics: createMetrics(),
    tls,
  });
  onTestFinished(async () => {
    for (const server of [grpcServer, httpServer]) {
      server.stopAccepting();
      server.destroy();
      await server.closed();
    }
    tls.close();
  });
  return {
    grpcPort: await grpcServer.listen("127.0.0.1", 0),
    httpPort: await httpServer.listen("127.0.0.1", 0),
    peers,
    log,
    tls,
  };
}

interface ClientTls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

type TransportTo = (
  ports: Pick<Ports, "grpcPort" | "httpPort">,
  tls: ClientTls,
) => { readonly transport: Transport; close(): void };

/** All transports over TLS. */
function tlsTransports(): readonly [string, TransportTo][] {
  const overHttp =
    (make: typeof createConnectTransport | typeof createGrpcWebTransport, httpVersion: "1.1" | "2"): TransportTo =>
    ({ httpPort }, tls) => {
      const nodeOptions = { ca: tls.ca, ...(tls.cert !== undefined && { cert: tls.cert, key: tls.key as string }) };
      return { transport: make({ baseUrl: `https://localhost:${httpPort}`, httpVersion, nodeOptions }), close() {} };
    };
  return [
    [
      "gRPC",
      ({ grpcPort }, tls) => {
        const nodeOptions = { ca: tls.ca, ...(tls.cert !== undefined && { cert: tls.cert, key: tls.key as string }) };
        return {
          transport: createGrpcTransport({ baseUrl: `https://localhost:${grpcPort}`, nodeOptions }),
          close() {},
        };
      },
    ],
    ["Connect, HTTP/1.1", overHttp(createConnectTransport, "1.1")],
    ["Connect, HTTP/2", overHttp(createConnectTransport, "2")],
    ["gRPC-Web", overHttp(createGrpcWebTransport, "1.1")],
  ];
}

/** Copies a certificate to files of its own, where it can be replaced. */
function copyFiles(
  { cert, key }: Certificate,
  caFile?: string,
): Pick<TlsFiles, "certFile" | "keyFile" | "clientCaFile"> {
  const path = join(folder, crypto.randomUUID());
  const files = { certFile: `${path}.pem`, keyFile: `${path}.key` };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  if (caFile === undefined) {
    return { ...files, clientCaFile: undefined };
  }
  writeFileSync(`${path}.ca`, readFileSync(caFile));
  return { ...files, clientCaFile: `${path}.ca` };
}

async function open(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectTls({ host: "localhost", port, ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

/** The session ticket that TLS 1.3 sends after the handshake; undefined: none. */
async function sessionOf(socket: TLSSocket): Promise<Buffer | undefined> {
  const arrived = once(socket, "session").then(([session]) => session as Buffer);
  return withTimeout(arrived, 500);
}

function statusOf(url: string, { cert, key }: Partial<Certificate> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = requestHttps(
      url,
      { ca: authority.ca, agent: false, ...(cert !== undefined && { cert, key }) },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    request.once("error", reject);
    request.end();
  });
}
