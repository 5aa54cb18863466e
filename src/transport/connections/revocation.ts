/** Which certificates have been revoked, by the lists of their CAs. */
export interface Revocations {
  /** @param certificate in DER */
  includes(certificate: Buffer): boolean;
}

const INTEGER = 0x02;
const SEQUENCE = 0x30;

/**
 * Reads certificate revocation lists (RFC 5280, 5.1), of which Node exposes nothing. Signatures and
 * validity are checked by OpenSSL in each handshake; here the issuer and the serial numbers are
 * enough.
 *
 * @param crls in DER
 * @throws Error for malformed DER
 */
export function readRevocations(crls: readonly Buffer[]): Revocations {
  const revoked = new Set(crls.flatMap(revokedBy));
  return {
    includes: (certificate) => {
      const fields = childrenOf(toBeSigned(certificate));
      // Version, serial number, signature algorithm, issuer, …
      const serial = fields.find(({ tag }) => tag === INTEGER);
      const [, issuer] = fields.filter(({ tag }) => tag === SEQUENCE);
      return serial !== undefined && issuer !== undefined && revoked.has(keyOf(issuer.content, serial.content));
    },
  };
}

const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/**
 * When a list expires: its field nextUpdate. From then on OpenSSL rejects all certificates of its
 * CA.
 *
 * @param crl in DER
 * @returns undefined for a list without an expiry
 * @throws Error for malformed DER
 */
export function expiryOf(crl: Buffer): Date | undefined {
  const times = childrenOf(toBeSigned(crl)).filter(({ tag }) => tag === UTC_TIME || tag === GENERALIZED_TIME);
  // The first is the time of issue.
  return times[1] && parseTime(times[1]);
}

/** YYMMDDhhmmssZ up to 2049, YYYYMMDDhhmmssZ from then on (RFC 5280, 4.1.2.5). */
function parseTime({ tag, content }: Element): Date {
  const text = content.toString("latin1");
  const century = tag === GENERALIZED_TIME ? "" : Number(text.slice(0, 2)) < 50 ? "20" : "19";
  const [, date, time] = /^(\d{8})(\d{6})Z$/.exec(`${century}${text}`) ?? [];
  if (date === undefined || time === undefined) {
    throw new Error("malformed time in the CRL");
  }
  return new Date(`${date.replace(/(....)(..)(..)/, "$1-$2-$3")}T${time.replace(/(..)(..)(..)/, "$1:$2:$3")}Z`);
}

function revokedBy(crl: Buffer): string[] {
  // Version, signature algorithm, issuer, times, entries, …
  const [, issuer, entries] = childrenOf(toBeSigned(crl)).filter(({ tag }) => tag === SEQUENCE);
  if (issuer === undefined) {
    throw new Error("the CRL has no issuer");
  }
  return childrenOf(entries?.content ?? Buffer.alloc(0)).map(({ content }) => {
    const [serial] = childrenOf(content);
    return keyOf(issuer.content, serial?.content ?? Buffer.alloc(0));
  });
}

const keyOf = (issuer: Buffer, serial: Buffer): string => `${issuer.toString("base64")} ${serial.toString("hex")}`;

/** The signed part of a certificate or CRL. */
function toBeSigned(der: Buffer): Buffer {
  const [outer] = childrenOf(der);
  const [signed] = childrenOf(outer?.content ?? der);
  return signed?.content ?? der;
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** The elements of a DER value in order. */
function childrenOf(der: Buffer): Element[] {
  const children: Element[] = [];
  for (let offset = 0; offset < der.length; ) {
    const { content, end } = contentAt(der, offset);
    children.push({ tag: der.readUInt8(offset), content });
    offset = end;
  }
  return children;
}

function contentAt(der: Buffer, offset: number): { readonly content: Buffer; readonly end: number } {
  const first = der.readUInt8(offset + 1);
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = offset + 2 + lengthBytes;
  const end = start + (lengthBytes === 0 ? first : der.readUIntBE(offset + 2, lengthBytes));
  if (end > der.length) {
    throw new Error("malformed DER");
  }
  return { content: der.subarray(start, end), end };
}
