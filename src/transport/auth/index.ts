import { OperationError } from "../../application/errors.ts";
import type { Logger } from "../../observability/log.ts";
import { type ClientAddress, createClientAddress } from "../connections/client-address.ts";
import type { ClientCertificate } from "../connections/peer.ts";
import type { AddressLimits } from "../rate-limits/index.ts";
import type { TokenTransportCheck } from "./cleartext.ts";
import { DEFAULT_PERMISSIONS } from "./default-permissions.ts";
import {
  ADDRESS_RATE_LIMITED,
  CALLER_NAME_PATTERN,
  CERTIFICATE_EXPIRED,
  type Credentials,
  type Identity,
  PERMISSION_RATE_LIMITED,
  unauthenticated,
} from "./identity.ts";
import { parsePermissionTable } from "./permission-table.ts";
import { createPermissions, type Permissions, rolesOf } from "./permissions.ts";
import { createTokenVerifier, type TokenClaims, type TokenOptions } from "./tokens.ts";
import { watchFile } from "./watched-file.ts";

export {
  ADDRESS_RATE_LIMITED,
  type Credentials,
  type Identity,
  PERMISSION_RATE_LIMITED,
  permissionDenied,
} from "./identity.ts";
export type { Permissions } from "./permissions.ts";

export interface AuthOptions {
  /** Undefined: tokens are not accepted. */
  readonly tokens: TokenOptions | undefined;
  /** Whether the name in a verified client certificate authenticates. */
  readonly certificates: boolean;
  readonly mayPresentToken: TokenTransportCheck;
  /** Limits the addresses that fail to authenticate; undefined: no limit. */
  readonly addressLimits?: AddressLimits | undefined;
  /** Default: the address of the connection. */
  readonly clientAddress?: ClientAddress;
  /** The permission table; undefined: DEFAULT_PERMISSIONS. */
  readonly permissionsFile: string | undefined;
}

/** Authenticates callers and resolves their permissions. */
export interface Auth {
  /** @throws OperationError "unauthenticated", "keys-unavailable" or "address-rate-limited" */
  authenticate(credentials: Credentials): Identity | Promise<Identity>;
  permissionsOf(identity: Identity): Permissions;
  /**
   * The error of a call that an authenticated caller may not make.
   *
   * @param error "permission-denied"
   * @returns the same, or "address-rate-limited" once its address has too many of them
   */
  denied(credentials: Credentials, error: OperationError): OperationError;
  close(): void;
}

/**
 * Authentication by tokens, client certificates, or either; then a token takes precedence.
 *
 * @param rpcs all RPCs, as `Service/Rpc`
 * @throws UnusableFileError for an unusable permission table or key file
 */
export function openAuth(
  {
    tokens,
    certificates,
    mayPresentToken,
    addressLimits,
    clientAddress = createClientAddress([]),
    permissionsFile,
  }: AuthOptions,
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

  const identify = (credentials: Credentials, token: string | undefined): Identity | Promise<Identity> => {
    const { peer } = credentials;
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
  };

  /** Whether the owner of the credentials is known without verifying a signature. */
  const isKnown = (token: string | undefined, { peer }: Credentials): boolean =>
    token === undefined || verifier === undefined
      ? certificates && peer.certificate !== undefined
      : verifier.knows(token);

  return {
    authenticate(credentials) {
      const { authorization, authenticatedName } = credentials;
      if (authenticatedName !== undefined) {
        return toIdentity({ name: authenticatedName, credential: "legacy", operator: "", expiresAt: undefined });
      }
      const token = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
      return addressLimits === undefined || isKnown(token, credentials)
        ? identify(credentials, token)
        : limitFailures(addressLimits, clientAddress(credentials.peer, credentials.forwardedFor), () =>
            identify(credentials, token),
          );
    },
    denied: ({ peer, forwardedFor }, error) =>
      addressLimits?.take("permission", clientAddress(peer, forwardedFor)) === false ? PERMISSION_RATE_LIMITED : error,
    permissionsOf: (identity) => current.value.permissions(identity),
    close() {
      verifier?.close();
      current.close();
    },
  };
}

/** Counts the failures of an address, and rejects its attempts once there are too many. */
function limitFailures(
  limits: AddressLimits,
  address: string,
  identify: () => Identity | Promise<Identity>,
): Identity | Promise<Identity> {
  const attempt = limits.authenticate(address);
  if (attempt === undefined) {
    throw ADDRESS_RATE_LIMITED;
  }
  const succeed = (identity: Identity) => {
    attempt.end(true);
    return identity;
  };
  const fail = (error: unknown) => {
    attempt.end(!(error instanceof OperationError && error.kind === "unauthenticated"));
    throw error;
  };
  try {
    const identity = identify();
    return identity instanceof Promise ? identity.then(succeed, fail) : succeed(identity);
  } catch (error) {
    return fail(error);
  }
}
