-- Privileges of the users of the order-status service and of its retention, by table: no schema
-- changes, no other databases. Run by the database administrator after each OMS_ROLE=migrate (see
-- users.sql); idempotent. Generated from src/store/users/grants.ts.

-- The service.

-- Orders.
grant select, insert, update on `oms_db`.`oms_order_main` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_status` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_order_detail` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_detail_exp` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_order_line` to 'oms_service'@'%';
grant select on `oms_db`.`oms_order_source` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_invoice` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_delivery_main` to 'oms_service'@'%';

-- History and request log: rows are added, never changed or deleted.
grant select, insert on `oms_db`.`oms_status_history` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_request` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_request_log` to 'oms_service'@'%';

-- Cancels and returns.
grant select, insert, update on `oms_db`.`oms_cancel_request` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_return_request` to 'oms_service'@'%';
grant select, insert on `ordercancel_db`.`oms_order_cancel` to 'oms_service'@'%';
grant select, insert, update on `ordercancel_db`.`oms_order_cancel_flow` to 'oms_service'@'%';
grant select, insert, update on `ordercancel_db`.`oms_push_issuccess` to 'oms_service'@'%';
grant select, insert on `ordercancel_db`.`order_return_detail` to 'oms_service'@'%';

-- Events, Actions and interventions.
grant select, insert, update, delete on `oms_db`.`oms_outbox` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_action_ledger` to 'oms_service'@'%';
grant select, insert, update, delete on `oms_db`.`oms_commit_mark` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_action_switch` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_action_total` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_intervention` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_order_status_rule` to 'oms_service'@'%';
grant select, update on `wmsindb`.`oms_gift_cust_record` to 'oms_service'@'%';

-- Shadow comparison (OMS_SHADOW_URL).
grant select, insert, update on `oms_db`.`oms_shadow_total` to 'oms_service'@'%';
grant select, insert, delete on `oms_db`.`oms_shadow_difference` to 'oms_service'@'%';

-- Work that one server does for all.
grant select, insert, update on `oms_db`.`oms_lease` to 'oms_service'@'%';

-- Version of the schema.
grant select on `oms_db`.`oms_migration` to 'oms_service'@'%';

-- Granted by earlier versions; now the privileges of retention.
revoke /*!80030 if exists */ delete on `oms_db`.`oms_status_history` from 'oms_service'@'%';
revoke /*!80030 if exists */ delete on `oms_db`.`oms_request` from 'oms_service'@'%';
revoke /*!80030 if exists */ delete on `oms_db`.`oms_request_log` from 'oms_service'@'%';
revoke /*!80030 if exists */ delete on `oms_db`.`oms_action_ledger` from 'oms_service'@'%';

-- Retention (OMS_HISTORY_RETENTION_DAYS, OMS_REQUEST_LOG_RETENTION_DAYS).

-- Rows with a retention period.
grant select, delete on `oms_db`.`oms_status_history` to 'oms_retention'@'%';
grant select, delete on `oms_db`.`oms_request` to 'oms_retention'@'%';
grant select, delete on `oms_db`.`oms_request_log` to 'oms_retention'@'%';
grant select, delete on `oms_db`.`oms_action_ledger` to 'oms_retention'@'%';

-- What shows that an order has ended.
grant select on `oms_db`.`oms_order_status` to 'oms_retention'@'%';
grant select on `oms_db`.`oms_return_request` to 'oms_retention'@'%';
grant select on `oms_db`.`oms_outbox` to 'oms_retention'@'%';

-- Required by MySQL to lock rows (select … for update); of the privileges that permit it, the one
-- that changes no order.
grant lock tables on `oms_db`.* to 'oms_retention'@'%';
