import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { createAddressList } from "../../../../src/lib/address-list.ts";
import { createBaseUrlResolver } from "../../../../src/transport/legacy/soap/address.ts";

const PROXY = "10.1.0.7";

function requestFrom(remoteAddress: string, headers: IncomingHttpHeaders): IncomingMessage {
  const socket = { remoteAddress, localAddress: "::ffff:192.0.2.1", localPort: 8080 };
  return { headers, socket } as unknown as IncomingMessage;
}

const resolve = createBaseUrlResolver({ baseUrl: undefined, proxies: createAddressList(["10.1.0.0/16"]) });
const HTTPS = { "x-forwarded-proto": "https" };
const HOST = { host: "oms.example.com" };

describe("the headers of a configured proxy", () => {
  test.each<[name: string, headers: IncomingHttpHeaders, expected: string]>([
    ["the host and the scheme", { ...HTTPS, "x-forwarded-host": "oms.example.com" }, "https://oms.example.com"],
    ["no host: the request's", { ...HTTPS, ...HOST }, "https://oms.example.com"],
    ["no scheme: the connection's", { "x-forwarded-host": "oms.example.com" }, "http://oms.example.com"],
    ["the scheme in any case", { "x-forwarded-proto": "HTTPS", ...HOST }, "https://oms.example.com"],
    [
      "lists of two proxies",
      { "x-forwarded-proto": "https,http", "x-forwarded-host": "oms.example.com, inner:8080", host: "127.0.0.1:8080" },
      "https://oms.example.com",
    ],
    ["a port", { ...HTTPS, ...HOST, "x-forwarded-port": "8443" }, "https://oms.example.com:8443"],
    ["the scheme's default port", { ...HTTPS, ...HOST, "x-forwarded-port": "443" }, "https://oms.example.com"],
    ["the port of the proxy's backend", { ...HTTPS, ...HOST, "x-forwarded-port": "80" }, "https://oms.example.com"],
    ["an invalid port", { ...HTTPS, ...HOST, "x-forwarded-port": "99999" }, "https://oms.example.com"],
    [
      "a port beside a host that has one",
      { "x-forwarded-host": "oms.example.com:9443", "x-forwarded-port": "8443" },
      "http://oms.example.com:9443",
    ],
    ["Forwarded", { forwarded: "proto=https;host=oms.example.com" }, "https://oms.example.com"],
    [
      "Forwarded with quotes, any case and a list",
      { forwarded: 'For="[2001:db8::1]:4711"; Proto=HTTPS ;Host="oms.example.com:8443", for=10.0.0.9;host=inner' },
      "https://oms.example.com:8443",
    ],
    [
      "Forwarded overrides X-Forwarded",
      { forwarded: "host=oms.example.com", "x-forwarded-host": "other.example.com", ...HTTPS },
      "https://oms.example.com",
    ],
    ["a malformed Forwarded", { forwarded: 'proto="https', ...HOST }, "http://oms.example.com"],
    ["an unknown scheme", { "x-forwarded-proto": "javascript", ...HOST }, "http://oms.example.com"],
    ["an invalid host", { "x-forwarded-host": 'x"><script>', ...HOST }, "http://oms.example.com"],
    ["no valid host at all", { ...HTTPS, host: "a@b" }, "https://192.0.2.1:8080"],
    ["over HTTP/2", { ...HTTPS, ":authority": "oms.example.com" }, "https://oms.example.com"],
  ])("%s", (_name, headers, expected) => {
    expect(resolve(requestFrom(PROXY, headers))).toBe(expected);
  });
});

test.each<[name: string, headers: IncomingHttpHeaders]>([
  ["X-Forwarded", { ...HTTPS, "x-forwarded-host": "evil.example.com", "x-forwarded-port": "8443", ...HOST }],
  ["Forwarded", { forwarded: "proto=https;host=evil.example.com", ...HOST }],
])("%s of another address is ignored", (_name, headers) => {
  expect(resolve(requestFrom("192.0.2.9", headers))).toBe("http://oms.example.com");
});

test("a configured URL overrides the request and every header", () => {
  const configured = createBaseUrlResolver({
    baseUrl: "https://oms.example.com/api/",
    proxies: createAddressList(["10.1.0.0/16"]),
  });

  expect(configured(requestFrom(PROXY, { host: "inner", "x-forwarded-host": "outer" }))).toBe(
    "https://oms.example.com/api",
  );
});
