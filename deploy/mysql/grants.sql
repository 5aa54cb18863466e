-- What the order-status service may do, table by table: no change of any table's shape, no other database. Run by the
-- database's administrator after each OMS_ROLE=migrate (see users.sql); can be repeated.

-- Orders and what belongs to them.
grant select, insert, update on `oms_db`.`oms_order_main` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_status` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_order_detail` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_detail_exp` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_order_line` to 'oms_service'@'%';
grant select on `oms_db`.`oms_order_source` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_invoice` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_order_delivery_main` to 'oms_service'@'%';

-- Their history, which is deleted only where OMS_HISTORY_RETENTION_DAYS says so.
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

-- Events, and what becomes of them.
grant select, insert, update, delete on `oms_db`.`oms_outbox` to 'oms_service'@'%';
grant select, insert, update, delete on `oms_db`.`oms_action_ledger` to 'oms_service'@'%';
grant select, insert, update, delete on `oms_db`.`oms_commit_mark` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_action_switch` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_action_total` to 'oms_service'@'%';
grant select, insert, update on `oms_db`.`oms_intervention` to 'oms_service'@'%';
grant select, insert on `oms_db`.`oms_order_status_rule` to 'oms_service'@'%';
grant select, update on `wmsindb`.`oms_gift_cust_record` to 'oms_service'@'%';

-- What was compared with the old system (OMS_SHADOW_URL).
grant select, insert, update on `oms_db`.`oms_shadow_total` to 'oms_service'@'%';
grant select, insert, delete on `oms_db`.`oms_shadow_difference` to 'oms_service'@'%';

-- Whether the database is up to date.
grant select on `oms_db`.`oms_migration` to 'oms_service'@'%';
