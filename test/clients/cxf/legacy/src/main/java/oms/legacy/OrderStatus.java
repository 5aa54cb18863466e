package oms.legacy;

import jakarta.jws.WebService;

/** The legacy web service, as a class published by CXF without further annotations. */
@WebService
public interface OrderStatus {
  String cancelOrder(long orderId, String operator);

  String rejectOrder(long orderId, String operator);

  String returnOrder(long orderId, String operator);

  String puaseOrderStatus(long orderId, int isPause, String reason, String operator);

  String payedOrderStatus(long orderId);

  String statuOrderStatus(long orderId, String reason, String operator, String requestId);

  String getOrderStatus(long orderId);

  String updateOrderStatus(
      long orderId, int status, String operator, String remark, String occurTime, String requestId);

  String getPayCheckOrder(long orderId);

  String getSubOrderMaxStatus(long orderId);

  String getOrderSource();

  String getShipmentType();

  String updateOrderInvoiceStatus(
      String orders,
      String invoiceTitle,
      String invoiceContent,
      String taxCode,
      String invoiceEmail,
      Integer sendEmail);

  String updateDeliveryInfo(
      long orderId, String deliveryId, String deliveryCompany, String waybillNo, String operator);

  String recordSkuDeliveryNum(long orderId, String skus, String operator, String requestId);
}
