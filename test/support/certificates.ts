import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, inject } from "vitest";

/** A certificate and its key: files and contents. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority. */
export interface Authority {
  readonly caFile: string;
  readonly ca: string;
  issue(details: {
    /** "/CN=wms", or "/" for none. */
    readonly subject: string;
    /** Subject alternative names in OpenSSL syntax: "DNS:localhost,IP:127.0.0.1". */
    readonly altNames?: string;
    /** Already expired. */
    readonly expired?: true;
    /** End of its validity; default: in two days. */
    readonly expiresAt?: Date;
  }): Certificate;
  /** Revokes a certificate. */
  revoke(certificate: Certificate): void;
  /**
   * Signs the list of the certificates revoked so far.
   *
   * @param expiresAt default: in two days
   * @returns PEM
   */
  revocationList(expiresAt?: Date): string;
}

/** Names of the servers in tests. */
export const THIS_MACHINE = "DNS:localhost,IP:127.0.0.1";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A folder for the calling test file, removed at its end. */
export function useFolder(): string {
  const folder = mkdtempSync(join(inject("folder"), "files-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Creates a certificate authority in a new folder. */
export function createAuthority(folder: string, name: string): Authority {
  mkdirSync(folder, { recursive: true });
  const caFile = join(folder, "ca.pem");
  const caKeyFile = join(folder, "ca.key");
  openssl("req", "-x509", ...KEY, "-keyout", caKeyFile, "-out", caFile, "-subj", `/CN=${name}`, "-days", "2");
  const configFile = join(folder, "ca.conf");
  writeFileSync(join(folder, "index.txt"), "");
  writeFileSync(
    configFile,
    ["[ca]", "default_ca=own", "[own]", `database=${join(folder, "index.txt")}`, `new_certs_dir=${folder}`]
      .concat([`certificate=${caFile}`, `private_key=${caKeyFile}`, "default_md=sha256", "default_crl_days=2"])
      .concat(["default_days=2", "policy=any", "rand_serial=yes", "unique_subject=no", "[any]", "commonName=optional"])
      .join("\n"),
  );
  const ca = (...args: string[]) => openssl("ca", "-config", configFile, "-batch", ...args).toString();
  let count = 0;
  return {
    caFile,
    ca: readFileSync(caFile, "utf8"),
    issue({ subject, altNames, expired, expiresAt }) {
      count += 1;
      const certFile = join(folder, `${count}.pem`);
      const keyFile = join(folder, `${count}.key`);
      const request = openssl("req", "-new", ...KEY, "-keyout", keyFile, "-subj", subject);
      const extensions = join(folder, `${count}.ext`);
      const names = altNames === undefined ? "" : `subjectAltName=${altNames}\n`;
      writeFileSync(extensions, `basicConstraints=critical,CA:FALSE\n${names}`);
      if (expiresAt !== undefined) {
        const requestFile = join(folder, `${count}.csr`);
        writeFileSync(requestFile, request);
        ca("-in", requestFile, "-out", certFile, "-notext", "-enddate", asn1(expiresAt), "-extfile", extensions);
        return { certFile, keyFile, cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
      }
      const signed = ["-CA", caFile, "-CAkey", caKeyFile, "-days", expired ? "-1" : "2", "-extfile", extensions];
      execFileSync("openssl", ["x509", "-req", ...signed, "-out", certFile], { input: request, stdio: "pipe" });
      return { certFile, keyFile, cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
    },
    revoke({ certFile }) {
      ca("-revoke", certFile);
    },
    revocationList: (expiresAt) =>
      expiresAt === undefined ? ca("-gencrl") : ca("-gencrl", "-crl_nextupdate", asn1(expiresAt)),
  };
}

/** YYYYMMDDhhmmssZ. */
const asn1 = (time: Date): string => time.toISOString().replace(/[-:T]|\.\d+/g, "");

function openssl(...args: string[]): Buffer {
  return execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
}
