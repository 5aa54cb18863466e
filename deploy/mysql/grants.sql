-- Privileges of the order-status service, by table: no schema changes, no other databases. Run by
-- the database administrator after each OMS_ROLE=migrate (see users.sql); idempotent.

-- Orders.
grant select, insert, update on `oms_db`.`oms_order_main` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_status` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_order_detail` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_detail_exp` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_order_line` to 'oms_service'@'%';
grant select on `oms_db`.`oms_order_source` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_invoice` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_delivery_main` to 'oms_service'@'%';

-- History, deleted only with OMS_HISTORY_RETENTION_DAYS.
grant select, insert, delete on `oms_db`.`oms_status_history` to 'oms_service'@'%';
grant select, insert, delete on `oms_db`.`oms_request` to 'oms_service'@'%';
grant select, insert, delete on `oms_db`.`oms_request_log` to 'oms_service'@'%';

-- Cancels and returns.
grant select, insert, update on `oms_db`.`oms_cancel_request` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_return_request` to 'oms_service'@'%';
grant select, insert on `ordercancel_db`.`oms_order_cancel` to 'oms_service'@'%';
grant select, insert, update on `ordercancel_db`.`oms_order_cancel_flow` to 'oms_service'@'%';
grant select, insert, update on `ordercancel_db`.`oms_push_issuccess` to 'oms_service'@'%';
grant select, insert on `ordercancel_db`.`order_return_detail` to 'oms_service'@'%';

-- Events, Actions and interventions.
grant select, insert, update, delete on `oms_db`.`oms_outbox` to 'oms_service'@'%';
grant select, insert, update, delete on `oms_db`.`oms_action_ledger` to 'oms_service'@'%';
grant select, insert, update, delete on `oms_db`.`oms_commit_mark` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_action_switch` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_action_total` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_intervention` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_order_status_rule` to 'oms_service'@'%';
grant select, update on `wmsindb`.`oms_gift_cust_record` to 'oms_service'@'%';

-- Shadow comparison (OMS_SHADOW_URL).
grant select, insert, update on `oms_db`.`oms_shadow_total` to 'oms_service'@'%';
grant select, insert, delete on `oms_db`.`oms_shadow_difference` to 'oms_service'@'%';

-- Version of the schema.
grant select on `oms_db`.`oms_migration` to 'oms_service'@'%';
