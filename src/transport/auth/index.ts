import type { Logger } from "../../observability/log.ts";
import type { ClientCertificate } from "../connections/peer.ts";
import type { TokenTransportCheck } from "./cleartext.ts";
import { DEFAULT_PERMISSIONS } from "./default-permissions.ts";
import {
  CALLER_NAME_PATTERN,
  CERTIFICATE_EXPIRED,
  type Credentials,
  type Identity,
  unauthenticated,
} from "./identity.ts";
import { parsePermissionTable } from "./permission-table.ts";
import { createPermissions, type Permissions, rolesOf } from "./permissions.ts";
import { createTokenVerifier, type TokenClaims, type TokenOptions } from "./tokens.ts";
import { watchFile } from "./watched-file.ts";

export { type Credentials, type Identity, permissionDenied } from "./identity.ts";
export type { Permissions } from "./permissions.ts";

export interface AuthOptions {
  /** Undefined: tokens are not accepted. */
  readonly tokens: TokenOptions | undefined;
  /** Whether the name in a verified client certificate authenticates. */
  readonly certificates: boolean;
  readonly mayPresentToken: TokenTransportCheck;
  /** The permission table; undefined: DEFAULT_PERMISSIONS. */
  readonly permissionsFile: string | undefined;
}

/** Authenticates callers and resolves their permissions. */
export interface Auth {
  /** @throws OperationError "unauthenticated", or "keys-unavailable" */
  authenticate(credentials: Credentials): Identity | Promise<Identity>;
  permissionsOf(identity: Identity): Permissions;
  close(): void;
}

/**
 * Authentication by tokens, client certificates, or either; then a token takes precedence.
 *
 * @param rpcs all RPCs, as `Service/Rpc`
 * @throws UnusableFileError for an unusable permission table or key file
 */
export function openAuth(
  { tokens, certificates, mayPresentToken, permissionsFile }: AuthOptions,
  rpcs: readonly string[],
  log: Logger,
): Auth {
  const verifier = tokens && createTokenVerifier(tokens, log);
  const load = (text: string) => {
    const table = parsePermissionTable(text, rpcs);
    return { table, permissions: createPermissions(table) };
  };
  const defaults = {
    value: { table: DEFAULT_PERMISSIONS, permissions: createPermissions(DEFAULT_PERMISSIONS) },
    close() {},
  };
  const current = permissionsFile === undefined ? defaults : watchFile(permissionsFile, load, log);
  const toIdentity = (
    caller: Pick<Identity, "name" | "credential" | "operator" | "expiresAt">,
    tokenRoles?: readonly string[],
  ): Identity => ({
    ...caller,
    roles: rolesOf(current.value.table, { ...caller, ...(tokenRoles && { tokenRoles }) }),
  });
  const accepted = [tokens && "a bearer token", certificates && "a client certificate"].filter(Boolean).join(" or ");

  const fromToken = (
    { name, roles, operator, expiresAt, certificateThumbprint }: TokenClaims,
    { peer }: Credentials,
  ) => {
    if (certificateThumbprint !== undefined && certificateThumbprint !== peer.certificate?.thumbprint) {
      throw unauthenticated("token is bound to another client certificate than that of the connection (claim cnf)");
    }
    return toIdentity({ name, credential: "token", operator, expiresAt }, roles);
  };

  const fromCertificate = ({ name, expiresAt }: ClientCertificate) => {
    if (name === undefined || !CALLER_NAME_PATTERN.test(name)) {
      throw unauthenticated("name in the client certificate must be 1 to 64 printable ASCII characters");
    }
    // Verified in the handshake, which may be days ago.
    if (expiresAt <= Date.now()) {
      throw unauthenticated(CERTIFICATE_EXPIRED);
    }
    return toIdentity({ name, credential: "certificate", operator: "", expiresAt });
  };

  return {
    authenticate(credentials) {
      const { authorization, peer, authenticatedName } = credentials;
      if (authenticatedName !== undefined) {
        return toIdentity({ name: authenticatedName, credential: "legacy", operator: "", expiresAt: undefined });
      }
      const token = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
      if (verifier !== undefined && token !== undefined) {
        if (!mayPresentToken(peer)) {
          throw unauthenticated("token sent in cleartext: connect by TLS, and replace the token");
        }
        const claims = verifier.verify(token);
        return claims instanceof Promise
          ? claims.then((known) => fromToken(known, credentials))
          : fromToken(claims, credentials);
      }
      if (certificates && peer.certificate !== undefined) {
        return fromCertificate(peer.certificate);
      }
      throw unauthenticated(`authentication required: present ${accepted}`);
    },
    permissionsOf: (identity) => current.value.permissions(identity),
    close() {
      verifier?.close();
      current.close();
    },
  };
}
