import { expect, test } from "vitest";
import { normalizeAddress, selectCertificateName } from "../../../../src/transport/connections/peer.ts";

test.each([
  ["the common name", "wms", "DNS:other", "wms"],
  ["neither of two common names", ["wms", "tms"], "", undefined],
  ["without common name the first URI or DNS name", undefined, "IP Address:10.0.0.1, DNS:tms, URI:spiffe://x", "tms"],
  ["an empty common name counts as none", "", "URI:spiffe://x", "spiffe://x"],
  ["not a name inside a name of another kind", undefined, 'email:"a, URI:admin", DNS:tms', "tms"],
  ["not a name inside quotes", undefined, 'DNS:"a\\", URI:admin"', 'a", URI:admin'],
  ["nothing without such a name", undefined, "IP Address:10.0.0.1", undefined],
])("name of a certificate: %s", (_, commonName, altNames, name) => {
  expect(selectCertificateName(commonName, altNames)).toBe(name);
});

test.each([
  ["::ffff:10.1.2.3", "10.1.2.3"],
  ["10.1.2.3", "10.1.2.3"],
  ["2001:db8::1", "2001:db8::1"],
  ["::ffff:a:b", "::ffff:a:b"],
])("address %s is %s", (address, normalized) => {
  expect(normalizeAddress(address)).toBe(normalized);
});
