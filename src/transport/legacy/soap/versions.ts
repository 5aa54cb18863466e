/** A version of SOAP: the form of its messages. */
export interface SoapVersion {
  readonly name: "1.1" | "1.2";
  readonly uri: string;
  readonly contentType: string;
  /** Fault codes of the two sides. */
  readonly faultCodes: { readonly caller: string; readonly server: string };
  /** The attribute for a header's recipient, and its values that mean this server. */
  readonly role: { readonly attribute: string; readonly ours: readonly string[] };
}

/** Assumed for a request that does not specify a version. */
export const SOAP_11: SoapVersion = {
  name: "1.1",
  uri: "http://schemas.xmlsoap.org/soap/envelope/",
  contentType: "text/xml;charset=UTF-8",
  faultCodes: { caller: "Client", server: "Server" },
  role: { attribute: "actor", ours: ["", "http://schemas.xmlsoap.org/soap/actor/next"] },
};

const SOAP_12_URI = "http://www.w3.org/2003/05/soap-envelope";

/** Recognized by its media type, application/soap+xml. */
export const SOAP_12: SoapVersion = {
  name: "1.2",
  uri: SOAP_12_URI,
  contentType: "application/soap+xml;charset=UTF-8",
  faultCodes: { caller: "Sender", server: "Receiver" },
  role: { attribute: "role", ours: ["", `${SOAP_12_URI}/role/next`, `${SOAP_12_URI}/role/ultimateReceiver`] },
};

export const SOAP_VERSIONS = [SOAP_11, SOAP_12] as const;
