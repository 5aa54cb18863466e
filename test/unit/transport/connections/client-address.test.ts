import { expect, test } from "vitest";
import { createClientAddress } from "../../../../src/transport/connections/client-address.ts";

const clientAddress = createClientAddress(["10.0.0.0/8", "fd00::/8"]);

test.each([
  ["no proxy: the header is the client's own claim", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
  ["one proxy", "10.1.2.3", "198.51.100.1", "198.51.100.1"],
  ["two proxies", "10.1.2.3", "198.51.100.1, fd00::7", "198.51.100.1"],
  ["a forged entry before the client", "10.1.2.3", "127.0.0.1, 198.51.100.1", "198.51.100.1"],
  ["an IPv4 address in IPv6", "10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1"],
  ["a proxy that sends no header", "10.1.2.3", undefined, "10.1.2.3"],
  ["an entry that is no address", "10.1.2.3", "198.51.100.1, x\r\ny", "10.1.2.3"],
])("%s", (_, address, forwardedFor, expected) => {
  expect(clientAddress({ address }, forwardedFor)).toBe(expected);
});
