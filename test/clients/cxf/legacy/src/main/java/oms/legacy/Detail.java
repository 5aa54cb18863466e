package oms.legacy;

import jakarta.jws.WebService;

/** The legacy web service of the reversal service. */
@WebService
public interface Detail {
  String orderIds(String orderIds);
}
