/** A version of SOAP: what its messages look like. */
export interface SoapVersion {
  readonly name: "1.1" | "1.2";
  readonly uri: string;
  readonly contentType: string;
  /** What it calls the two sides. */
  readonly faultCodes: { readonly caller: string; readonly server: string };
  /** The attribute that says whom a header is for, and the values by which it is for us. */
  readonly role: { readonly attribute: string; readonly ours: readonly string[] };
  /** The HTTP status of a fault that is the caller's. */
  readonly callerStatus: number;
}

/** The version that calls come in that say nothing. */
export const SOAP_11: SoapVersion = {
  name: "1.1",
  uri: "http://schemas.xmlsoap.org/soap/envelope/",
  contentType: "text/xml;charset=UTF-8",
  faultCodes: { caller: "Client", server: "Server" },
  role: { attribute: "actor", ours: ["", "http://schemas.xmlsoap.org/soap/actor/next"] },
  callerStatus: 500,
};

const SOAP_12_URI = "http://www.w3.org/2003/05/soap-envelope";

/** The version with a media type of its own. */
export const SOAP_12: SoapVersion = {
  name: "1.2",
  uri: SOAP_12_URI,
  contentType: "application/soap+xml;charset=UTF-8",
  faultCodes: { caller: "Sender", server: "Receiver" },
  role: { attribute: "role", ours: ["", `${SOAP_12_URI}/role/next`, `${SOAP_12_URI}/role/ultimateReceiver`] },
  callerStatus: 400,
};

/** All versions. */
export const SOAP_VERSIONS = [SOAP_11, SOAP_12] as const;
