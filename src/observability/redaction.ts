/** The fields that hold personal data, as code and JSON name them: their values are in no log and no error, whatever holds them. */
export const PERSONAL_FIELDS: readonly string[] = [
  "invoiceEmail",
  "invoiceTitle",
  "taxPayerCode",
  "taxCode",
  "rechargeAccount",
  "email",
  "phone",
  "mobile",
];
