import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { createLogger } from "../../../src/observability/log.ts";
import { createTokenTransportCheck } from "../../../src/transport/auth/cleartext.ts";
import { openAuth } from "../../../src/transport/auth/index.ts";
import { plaintextPeer } from "../../../src/transport/connections/peer.ts";
import { AUDIENCE, createIssuer, ISSUER } from "./issuer.ts";

test("a token in cleartext is rejected, except from this machine and the proxies that terminate TLS", async () => {
  const issuer = await createIssuer();
  const keys = join(inject("folder"), `jwks-cleartext-${process.pid}.json`);
  writeFileSync(keys, issuer.jwks());
  const auth = openAuth(
    {
      tokens: { keys, issuer: ISSUER, audience: AUDIENCE, operatorClaim: "sub" },
      certificates: false,
      mayPresentToken: createTokenTransportCheck(["10.1.0.0/16", "2001:db8::7"]),
      permissionsFile: undefined,
    },
    [],
    createLogger("silent"),
  );
  onTestFinished(() => auth.close());
  const authorization = `Bearer ${await issuer.token({ roles: ["wms"] })}`;
  const authenticate = async (address: string, encrypted = false) => {
    const peer = { ...plaintextPeer(address), encrypted };
    return (await auth.authenticate({ authorization, peer, authenticatedName: undefined, forwardedFor: undefined }))
      .name;
  };

  for (const address of ["127.0.0.1", "::1", "10.1.2.3", "2001:db8::7"]) {
    expect(await authenticate(address)).toBe("wms");
  }
  for (const address of ["10.2.0.1", "192.168.1.1", "2001:db8::8"]) {
    await expect(authenticate(address)).rejects.toThrow(
      "token sent in cleartext: connect by TLS, and replace the token",
    );
    expect(await authenticate(address, true)).toBe("wms");
  }
});
