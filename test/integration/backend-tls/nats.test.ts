import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Broker } from "../../../src/messaging/nats/broker.ts";
import { connectStream } from "../../../src/messaging/nats/connection.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { oms } from "../../e2e/cli/oms.ts";
import { createAuthority, useFolder } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import { useNats, useOwnServer } from "../../support/servers.ts";
import { createOperator } from "./nats-jwt.ts";
import { natsTlsBlock, natsWith } from "./servers.ts";

const folder = useFolder();
const authority = createAuthority(join(folder, "ours"), "the company");
const stranger = createAuthority(join(folder, "strangers"), "another company");
const tls = natsTlsBlock(authority.issue({ subject: "/CN=broker", altNames: "DNS:localhost" }));
const operator = createOperator();
const withUsers = useOwnServer(natsWith(tls, 'authorization { user: "oms", password: "hunter2/@" }'));
const withToken = useOwnServer(natsWith('authorization { token: "hunter2-token" }'));
const withoutPermissions = useOwnServer(
  natsWith('authorization { users: [{ user: oms, password: hunter2, permissions: { publish: "oms.v1.>" } }] }'),
);
const withJwt = useOwnServer(natsWith(tls, operator.configuration));
const plain = useNats();

/** A stream connection and its log. */
function open(broker: Broker) {
  const log: Record<string, unknown>[] = [];
  const logger = createLogger("debug", { write: (line: string) => void log.push(JSON.parse(line)) });
  const stream = connectStream({ ...broker, log: logger });
  onTestFinished(() => stream.close());
  return { stream, log };
}

const connects = ({ stream }: ReturnType<typeof open>) => eventually(() => expect(stream.client()).toBeDefined());

describe("a NATS that requires TLS and a password", () => {
  const url = (user = "oms:hunter2%2F%40", host = "localhost") => `nats://${user}@${host}:${withUsers.port}`;

  test("connects with user, password and CA, and again after a restart", async () => {
    const opened = open({ url: url(), ca: authority.ca });
    await connects(opened);
    await withUsers.kill();
    await eventually(() => expect(opened.stream.client()).toBeUndefined());
    await withUsers.restart();
    await connects(opened);
  });

  test.each([
    ["another CA", url, () => stranger.ca, /not trusted.*OMS_NATS_CA_FILE is not/],
    ["no CA", url, () => undefined, /not trusted.*set OMS_NATS_CA_FILE/],
    [
      "another name",
      () => url(undefined, "127.0.0.1"),
      () => authority.ca,
      /does not match its host name.*OMS_NATS_URL/,
    ],
    ["a wrong password", () => url("oms:hunter3"), () => authority.ca, /rejected the credentials.*OMS_NATS_URL/],
    ["a server without TLS", () => plain.url, () => authority.ca, /does not support TLS/],
    [
      "a server without TLS, and tls:",
      () => plain.url.replace("nats:", "tls:"),
      () => undefined,
      /does not support TLS/,
    ],
  ])("the log explains: %s", async (_, locate, ca, words) => {
    const { stream, log } = open({ url: locate(), ca: ca() });
    await eventually(() =>
      expect(log).toContainEqual(expect.objectContaining({ reason: expect.stringMatching(words) })),
    );
    expect(stream.client()).toBeUndefined();
    expect(JSON.stringify(log)).not.toMatch(/hunter/);
  });

  test("npx oms events tail connects in the same way, and shows no password where it fails", async () => {
    const call = { env: { OMS_NATS_URL: url("oms:hunter3"), OMS_NATS_CA_FILE: authority.caFile } };
    const { code, stderr } = await oms(["events", "tail"], call);
    expect([code, stderr]).toEqual([3, expect.stringMatching(/oms:\*\*\*@localhost.*rejected the credentials/)]);
    expect(stderr).not.toContain("hunter");
  });
});

test("the log explains: a user without the permissions for the stream", async () => {
  const { stream, log } = open({ url: `nats://oms:hunter2@127.0.0.1:${withoutPermissions.port}` });
  await eventually(() =>
    expect(log).toContainEqual(
      expect.objectContaining({
        level: "warn",
        msg: expect.stringMatching(/stream cannot be created.*permissions/),
      }),
    ),
  );
  expect(stream.client()).toBeUndefined();
});

test("connects with a token in the URL", async () => {
  await connects(open({ url: `nats://hunter2-token@127.0.0.1:${withToken.port}` }));
});

test("connects with a .creds file, which is read at each connect", async () => {
  const credsFile = join(folder, "oms.creds");
  const url = `nats://localhost:${withJwt.port}`;
  writeFileSync(credsFile, createOperator().creds("another operator"));
  const opened = open({ url, ca: authority.ca, credsFile });
  await eventually(() =>
    expect(opened.log).toContainEqual(
      expect.objectContaining({ reason: expect.stringMatching(/rejected the credentials.*OMS_NATS_CREDS_FILE/) }),
    ),
  );
  writeFileSync(credsFile, operator.creds("orders"));
  await connects(opened);
  writeFileSync(credsFile, operator.creds("orders again"));
  await withJwt.restart();
  await eventually(() => expect(opened.log.at(-1)).toMatchObject({ msg: "NATS reconnected" }));
  await connects(opened);
});
