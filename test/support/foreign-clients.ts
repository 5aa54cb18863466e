import { spawnSync } from "node:child_process";
import { installPackages } from "../../tools/devstack/install.ts";

/** Debian's interpreters, which use Debian's packages. */
export const PYTHON = "/usr/bin/python3";
export const PHP = "/usr/bin/php";
export const PERL = "/usr/bin/perl";

/** gRPC client for Python. */
export const GRPC_PACKAGES = ["python3-grpcio", "python3-protobuf"];

/** Third-party SOAP clients. */
export const SOAP_PACKAGES = ["python3-zeep", "php-cli", "php-soap", "libsoap-lite-perl", "curl"];

/** Proxies in front of the service. */
export const PROXY_PACKAGES = ["haproxy", "nginx"];

/** The Debian packages that are not installed. */
export function missingPackages(packages: readonly string[]): string[] {
  const { stdout } = spawnSync("dpkg-query", ["--list", ...packages], { encoding: "utf8" });
  const installed = new Set((stdout ?? "").split("\n").map((line) => /^ii +([^ :]+)/.exec(line)?.[1]));
  return packages.filter((name) => !installed.has(name));
}

/** Installs missing packages if run as root; otherwise their tests report what is missing. */
export async function ensureForeignClients(onProgress: (line: string) => void): Promise<void> {
  const missing = missingPackages([...GRPC_PACKAGES, ...SOAP_PACKAGES, ...PROXY_PACKAGES]);
  if (missing.length === 0 || process.getuid?.() !== 0) {
    return;
  }
  onProgress(`Installing ${missing.join(", ")} for the tests …`);
  try {
    await installPackages(missing, onProgress);
  } catch (error) {
    onProgress(`Installation failed: ${error}`);
  }
}
