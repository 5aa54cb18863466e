import { SHIPMENT_TYPES } from "../../domain/shipment-types.ts";

/** Old operation 12, getShipmentType: all ways to ship, by code. */
export function listShipmentTypes(): typeof SHIPMENT_TYPES {
  return SHIPMENT_TYPES;
}
